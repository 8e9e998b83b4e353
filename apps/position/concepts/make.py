#!/usr/bin/env python3
"""Check the concept and topic files and write table.tsv and topics.tsv. Standard library only.

    python3 make.py            (from any folder; works on the folder it lies in)

Prints counts. On any problem it prints `file:line: message` for each and
leaves both tables as they were, with exit code 1.
"""
import collections
import os
import re
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("tool", "skill", "profession", "field", "licence", "language",
         "trait", "domain", "method")


def clean(text):
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def surface(form):
    """'Go!' -> ('Go', True); 'Golang' -> ('Golang', False)."""
    return (form[:-1].rstrip(), True) if form.endswith("!") else (form, False)


def topics(problems):
    """The thesaurus: `topic | term; term` a line, in topics/*.txt."""
    folder = os.path.join(HERE, "topics")
    found = {}
    for fname in sorted(f for f in os.listdir(folder) if f.endswith(".txt")):
        with open(os.path.join(folder, fname), encoding="utf-8") as handle:
            for number, raw in enumerate(handle, 1):
                line = clean(raw)
                where = f"topics/{fname}:{number}"
                if not line or line.startswith("#"):
                    continue
                name, bar, terms = line.partition(" | ")
                if not bar or "|" in terms:
                    problems.append((where, "not `topic | term; term`"))
                    continue
                terms = [clean(t) for t in terms.split(";")]
                if any(not t for t in terms):
                    problems.append((where, "empty term"))
                # The same topic may be told in two files.
                found.setdefault(clean(name), []).extend(t for t in terms if len(t.split()) <= 5)
    return {name: list(dict.fromkeys(terms)) for name, terms in found.items()}


def main():
    problems = []
    matters = topics(problems)
    concepts = {}   # name without '!' -> dict
    order = []
    files = sorted(f for f in os.listdir(HERE) if f.endswith(".txt"))
    per_file = collections.Counter()

    for fname in files:
        with open(os.path.join(HERE, fname), encoding="utf-8") as handle:
            for number, raw in enumerate(handle, 1):
                line = raw.strip()
                where = f"{fname}:{number}"
                if not line or line.startswith("#"):
                    continue
                if "\t" in line:
                    problems.append((where, "tab in line"))
                parts = line.split("|")
                if len(parts) != 4:
                    problems.append((where, f"{len(parts)} fields instead of 4"))
                    continue
                name, kind, parents, aliases = (clean(p) for p in parts)
                bare, sensitive = surface(name)
                if not bare or ";" in bare or bare.startswith(("=", "#")):
                    problems.append((where, f"bad name {name!r}"))
                    continue
                if kind not in KINDS:
                    problems.append((where, f"unknown kind {kind!r}"))
                fields = []
                for label, text in (("parent", parents), ("alias", aliases)):
                    items = [clean(i) for i in text.split(";")] if text else []
                    if any(not i or i in ("=", "!") for i in items):
                        problems.append((where, f"empty {label}"))
                    fields.append([i for i in items if i and i not in ("=", "!")])
                parent_list = []
                for item in fields[0]:
                    sibling = item.startswith("=")
                    target = clean(item[1:]) if sibling else item
                    if target.endswith("!"):
                        problems.append((where, f"write parent {target!r} without '!'"))
                        target = target[:-1]
                    if target in [t for t, _ in parent_list]:
                        problems.append((where, f"parent {target!r} twice"))
                    parent_list.append((target, sibling))
                if bare in concepts:
                    problems.append((where, f"name {bare!r} already at {concepts[bare]['where']}"))
                    continue
                concepts[bare] = dict(name=name, bare=bare, sensitive=sensitive, kind=kind,
                                      parents=parent_list, aliases=fields[1], where=where)
                order.append(bare)
                per_file[fname] += 1

    # Surface forms: two of them collide when equal after casefold, except when
    # both are case-sensitive and differ in case.
    seen = collections.defaultdict(list)  # casefolded -> [(exact, sensitive, concept, what)]
    for bare in order:
        c = concepts[bare]
        forms = [("name", c["name"])] + [("alias", a) for a in c["aliases"]]
        for what, form in forms:
            text, sensitive = surface(form)
            for exact2, sens2, owner, what2 in seen[text.casefold()]:
                if sensitive and sens2 and text != exact2:
                    continue
                if owner == bare:
                    # an insensitive form makes the other one superfluous; a name
                    # kept insensitive beside 'Name!' would defeat the '!'
                    problems.append((c["where"], f"{what} {form!r} repeats {what2} {exact2!r}"))
                else:
                    problems.append((c["where"], f"{what} {form!r} of {bare!r} is also {what2} of "
                                     f"{owner!r} at {concepts[owner]['where']}"))
            seen[text.casefold()].append((text, sensitive, bare, what))

    # "React/TypeScript" is two names: as one alias it would hide the other.
    for bare in order:
        c = concepts[bare]
        for alias in c["aliases"]:
            parts = [part.strip() for part in surface(alias)[0].split("/")]
            owners = [{owner for _, _, owner, _ in seen.get(part.casefold(), [])} for part in parts]
            if len(parts) > 1 and all(owners) and any(bare not in own for own in owners):
                problems.append((c["where"], f"alias {alias!r} joins the names of two concepts"))

    lower = {b.casefold(): b for b in concepts}
    for bare in order:
        c = concepts[bare]
        for target, _ in c["parents"]:
            if target not in concepts:
                hint = lower.get(target.casefold())
                owners = [o for _, _, o, _ in seen.get(target.casefold(), [])]
                more = f" (did you mean {hint or owners[0]!r}?)" if hint or owners else ""
                problems.append((c["where"], f"unknown parent {target!r}{more}"))
            elif target == bare:
                problems.append((c["where"], "is its own parent"))

    # cycles
    state = {}
    for start in order:
        if start in state:
            continue
        stack = [(start, iter([t for t, _ in concepts[start]["parents"] if t in concepts]))]
        state[start] = 1
        while stack:
            node, it = stack[-1]
            nxt = next(it, None)
            if nxt is None:
                state[node] = 2
                stack.pop()
            elif state.get(nxt) == 1:
                path = [n for n, _ in stack]
                loop = path[path.index(nxt):] + [nxt]
                problems.append((concepts[node]["where"], "cycle: " + " -> ".join(loop)))
            elif nxt not in state:
                state[nxt] = 1
                stack.append((nxt, iter([t for t, _ in concepts[nxt]["parents"] if t in concepts])))

    if problems:
        for where, message in problems:
            print(f"{where}: {message}", file=sys.stderr)
        print(f"{len(problems)} problems; nothing written", file=sys.stderr)
        return 1

    out = os.path.join(HERE, "table.tsv")
    with open(out + ".new", "w", encoding="utf-8", newline="\n") as handle:
        for bare in sorted(order, key=lambda b: (b.casefold(), b)):
            c = concepts[bare]
            parents = ";".join(("=" if s else "") + t for t, s in c["parents"])
            handle.write("\t".join((c["name"], c["kind"], parents, ";".join(c["aliases"]))) + "\n")
    os.replace(out + ".new", out)
    out = os.path.join(HERE, "topics.tsv")
    with open(out + ".new", "w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(f"{name}\t{';'.join(terms)}\n" for name, terms in sorted(matters.items()))
    os.replace(out + ".new", out)
    print(f"{len(matters)} topics, {sum(map(len, matters.values()))} terms")

    kinds = collections.Counter(c["kind"] for c in concepts.values())
    print(f"{len(order)} concepts, {sum(len(c['aliases']) for c in concepts.values())} aliases, "
          f"{sum(len(c['parents']) for c in concepts.values())} parent links")
    for fname in files:
        print(f"  {fname:18} {per_file[fname]}")
    for kind in KINDS:
        print(f"  {kind:18} {kinds[kind]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
