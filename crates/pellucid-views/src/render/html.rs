//! A report as one file: no network, readable without JavaScript, light and dark.

use std::fmt::Write as _;

use super::css;
use super::svg::{classes, element, escaped};
use crate::View;
use crate::report::{Report, Section};
use crate::theme::{FONTS, Mode, Paint};

/// Widths of the pictures on a page: alone, side by side, and on a narrow screen. The margin inside of a picture
/// hangs over the column of text, so that both begin at the same edge.
const WIDE: f64 = 900.0;
const HALF: f64 = 458.0;
const NARROW: f64 = 380.0;
/// A picture of more marks is not drawn a second time for narrow screens; it scrolls there.
const MARKS_DRAWN_TWICE: usize = 1_500;

/// The page's script: hover texts that appear at once. Without it they are the browser's own.
const SCRIPT: &str = "(()=>{const t=document.createElement('div');t.id='tip';t.hidden=true;document.body.append(t);\
let last=null;document.addEventListener('pointermove',e=>{const m=e.target.closest&&e.target.closest('svg *');\
const s=m&&m.querySelector(':scope>title');const text=m&&(m.dataset.t||(s&&s.textContent));\
if(s){m.dataset.t=s.textContent;s.remove()}\
if(!text){t.hidden=true;last=null;return}if(m!==last){t.textContent=text;last=m}t.hidden=false;\
const x=Math.min(e.clientX+14,innerWidth-t.offsetWidth-8),y=e.clientY+18+t.offsetHeight>innerHeight?e.clientY-t.offsetHeight-10:e.clientY+18;\
t.style.transform=`translate(${x}px,${y}px)`})})()";

fn variables(mode: Mode) -> String {
    let tokens = [Paint::Surface, Paint::Raised, Paint::Ink, Paint::Muted, Paint::Line, Paint::Accent];
    tokens.iter().fold(String::new(), |all, paint| all + &format!("--{}:{};", paint.name(), paint.css(mode)))
}

fn style() -> String {
    let (light, dark) = (variables(Mode::Light), variables(Mode::Dark));
    let (light_classes, dark_classes) = (classes("", Mode::Light), classes("", Mode::Dark));
    format!(
        ":root{{color-scheme:light dark;{light}}}{light_classes}\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}{dark_classes}}}\
         *{{box-sizing:border-box}}\
         body{{margin:0;background:var(--surface);color:var(--ink);font:16px/1.5 {FONTS};font-variant-numeric:tabular-nums}}\
         main{{max-width:940px;margin:0 auto;padding:40px 40px 64px}}\
         h1{{font-size:28px;line-height:1.2;font-weight:650;margin:0 0 8px;overflow-wrap:anywhere}}\
         h2{{font-size:20px;line-height:1.3;font-weight:650;margin:56px 0 4px;padding-top:24px;border-top:1px solid var(--line);overflow-wrap:anywhere}}\
         p{{margin:0 0 12px;max-width:70ch;color:var(--muted)}}\
         header p{{color:var(--ink)}}\
         dl{{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:24px 0 0;padding:16px 20px;background:var(--raised);border-radius:6px;font-size:13px}}\
         dt{{color:var(--muted)}}dd{{margin:0;overflow-wrap:anywhere}}\
         .pair{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:0 24px}}\
         figure{{margin:16px 0 0;min-width:0}}\
         figure svg{{display:block;max-width:calc(100% + 40px);height:auto;margin:0 -20px}}\
         .scroll{{overflow-x:auto}}\
         .narrow{{display:none}}\
         details{{font-size:13px;color:var(--muted);margin:4px 0 0}}\
         summary{{cursor:pointer;width:max-content}}summary:focus-visible{{outline:2px solid var(--accent);outline-offset:2px}}\
         table{{border-collapse:collapse;margin:8px 0;color:var(--ink)}}\
         th,td{{padding:3px 16px 3px 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}}\
         th:first-child,td:first-child{{text-align:left}}th{{font-weight:600}}\
         code{{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--raised);padding:12px 16px;display:block;border-radius:6px;overflow-wrap:anywhere;color:var(--ink)}}\
         ul{{padding-left:20px;max-width:72ch;color:var(--muted)}}li{{margin:0 0 8px}}\
         #tip{{position:fixed;left:0;top:0;max-width:320px;padding:4px 8px;background:var(--ink);color:var(--surface);font-size:12px;border-radius:4px;pointer-events:none;overflow-wrap:anywhere}}\
         #tip[hidden]{{display:none}}\
         @media (max-width:640px){{main{{padding:24px 16px 48px}}h1{{font-size:20px}}h2{{font-size:16px;margin-top:40px}}\
         dl{{grid-template-columns:1fr;gap:0}}dd{{margin-bottom:8px}}\
         .wide{{display:none}}.narrow{{display:block}}figure svg{{margin:0 -16px;max-width:calc(100% + 32px)}}\
         .scroll svg{{max-width:none;margin:0 -16px}}}}\
         @media print{{main{{max-width:none;padding:0}}figure{{break-inside:avoid}}details{{display:none}}}}"
    )
}

/// A whole page.
#[must_use]
pub fn page(report: &Report) -> String {
    let mut out = String::new();
    let title = escaped(&report.title);
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"generator\" content=\"Pellucid\">\
         <title>{title}</title><link rel=\"icon\" href=\"data:,\"><style>{}{}</style></head>\n<body><main>\n<header><h1>{title}</h1><p>{}</p>",
        css::fonts_inside(),
        style(),
        escaped(&report.lead)
    );
    out.push_str("<dl>");
    for (name, value) in &report.facts {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    }
    out.push_str("</dl></header>\n");
    report.sections.iter().for_each(|part| section(&mut out, part));
    if !report.notes.is_empty() {
        out.push_str("<section><h2>How to read this, and what it does not say</h2><ul>");
        for note in &report.notes {
            let _ = write!(out, "<li>{}</li>", escaped(note));
        }
        out.push_str("</ul></section>\n");
    }
    if let Some(command) = &report.command {
        let _ = writeln!(
            out,
            "<section><h2>The command that makes this again</h2><code>{}</code></section>",
            escaped(command)
        );
    }
    let _ = writeln!(out, "</main><script>{SCRIPT}</script></body></html>");
    out
}

fn section(out: &mut String, section: &Section) {
    let _ = write!(out, "<section><h2>{}</h2>", escaped(&section.heading));
    if !section.intro.is_empty() {
        let _ = write!(out, "<p>{}</p>", escaped(&section.intro));
    }
    for group in section.figures.chunk_by(|a, b| a.1 && b.1) {
        let paired = group[0].1;
        out.push_str(if paired { "<div class=\"pair\">" } else { "" });
        group.iter().for_each(|(view, _)| figure(out, view.as_ref(), if paired { HALF } else { WIDE }));
        out.push_str(if paired { "</div>" } else { "" });
    }
    out.push_str("</section>\n");
}

fn figure(out: &mut String, view: &dyn View, width: f64) {
    let scene = view.scene(width);
    if scene.n_marks() > MARKS_DRAWN_TWICE {
        let _ = write!(out, "<figure><div class=\"scroll\">{}</div>", element(&scene));
    } else {
        let narrow = element(&view.scene(NARROW));
        let _ = write!(
            out,
            "<figure><div class=\"wide\">{}</div><div class=\"narrow\">{narrow}</div>",
            element(&scene)
        );
    }
    let (names, rows) = view.table();
    out.push_str("<details><summary>Numbers</summary><div class=\"scroll\"><table><thead><tr>");
    names.iter().for_each(|name| {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(name));
    });
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        row.iter().for_each(|cell| {
            let _ = write!(out, "<td>{}</td>", escaped(cell));
        });
        out.push_str("</tr>");
    }
    let _ = writeln!(out, "</tbody></table></div></details></figure>");
}
