#!/usr/bin/env python3
"""Count in how many postings each word stands; write frequencies.tsv. Standard library only.

    python3 frequencies.py FOLDER     (FOLDER holds skillspan_train.json)

SkillSpan (Zhang and others 2022, NAACL; CC BY 4.0), training split only. Only counts of words are kept, no text.
"""
import collections
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LEAST = 3  # postings


def records(path):
    text = open(path, encoding="utf-8").read()
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def main():
    postings = collections.defaultdict(set)
    for record in records(os.path.join(sys.argv[1], "skillspan_train.json")):
        words = re.findall(r"[a-z][a-z'+#&]*", " ".join(record["tokens"]).lower())
        postings[record["source"], record["idx"]].update(words)
    count = collections.Counter(word for words in postings.values() for word in words)
    rows = sorted((word, n) for word, n in count.items() if n >= LEAST and len(word) > 1)
    with open(os.path.join(HERE, "frequencies.tsv"), "w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"\t{len(postings)}\n")
        handle.writelines(f"{word}\t{n}\n" for word, n in rows)
    print(f"{len(postings)} postings, {len(rows)} words")


if __name__ == "__main__":
    sys.exit(main())
