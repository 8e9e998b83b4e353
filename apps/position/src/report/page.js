(()=>{const marks=new Map([...document.querySelectorAll('aside [id]')].map(m=>[m.id,m]));
const show=(ids,go)=>{document.querySelectorAll('.on').forEach(m=>m.classList.remove('on'));let first=null;
for(const id of ids){const m=marks.get(id);if(m){m.classList.add('on');first=first||m}}
if(first&&go){const pane=document.querySelector('aside');const y=first.getBoundingClientRect().top-pane.getBoundingClientRect().top+pane.scrollTop-pane.clientHeight/3;
pane.scrollTo({top:y,behavior:matchMedia('(prefers-reduced-motion:reduce)').matches?'auto':'smooth'})}};
document.querySelector('main').addEventListener('click',e=>{const a=e.target.closest('a.cite');const line=e.target.closest('[data-cites]');
if(a){e.preventDefault();show([a.getAttribute('href').slice(1)],true)}else if(line){show(line.dataset.cites.split(' '),true)}
document.querySelectorAll('.picked').forEach(l=>l.classList.remove('picked'));if(line)line.classList.add('picked')});
document.querySelector('aside').addEventListener('click',e=>{const m=e.target.closest('mark');if(!m)return;show([m.id],false);
const line=[...document.querySelectorAll('[data-cites]')].find(l=>l.dataset.cites.split(' ').includes(m.id));
if(line){document.querySelectorAll('.picked').forEach(l=>l.classList.remove('picked'));line.classList.add('picked');line.scrollIntoView({block:'center'})}})})()
