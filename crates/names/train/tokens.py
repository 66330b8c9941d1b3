"""Cuts text into tokens. `src/token.rs` does the same, token for token: change both."""

import regex

LETTER = r"[\p{Alphabetic}\u0300-\u036f]"
INNER = r"[\p{Alphabetic}\u0300-\u036f\p{N}]"
IDEOGRAPH = r"[\u2e80-\u2fdf\u3005-\u3007\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
STOP = r"""\s"'<>()\[\]{}|\\^`"""

PATTERN = regex.compile(
    rf"""
    (?P<url>[A-Za-z][A-Za-z0-9+.\-]{{0,15}}://[^{STOP}]+|www\.[^{STOP}]+)
  | (?P<mail>[A-Za-z0-9._%+\-]{{1,64}}@[A-Za-z0-9\-]{{1,63}}(?:\.[A-Za-z0-9\-]{{1,63}})+)
  | (?P<han>{IDEOGRAPH})
  | (?P<word>(?!{IDEOGRAPH}){LETTER}(?:(?!{IDEOGRAPH}){INNER}|['’](?=(?!{IDEOGRAPH}){LETTER}))*)
  | (?P<num>\p{{N}}(?:(?!{IDEOGRAPH}){INNER}|[.,](?=\p{{N}}))*)
  | (?P<space>\p{{White_Space}}+)
  | (?P<mark>.)(?P=mark)*
    """,
    regex.VERBOSE | regex.DOTALL | regex.V1,
)

# What stands behind an apostrophe and is a token of its own.
CLITICS = {"s", "t", "re", "ve", "ll", "d", "m"}
# What stands before an apostrophe and is a token of its own.
ELISIONS = {"l", "d", "j", "m", "t", "s", "c", "n", "qu", "dell", "all", "nell", "sull", "dall", "un", "quest",
            "jusqu", "lorsqu", "puisqu", "coll", "degl", "gl"}
# Words whose full stop belongs to them.
ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "inc", "ltd", "co", "corp", "vs", "rev", "gen",
                 "col", "lt", "sgt", "capt", "hon", "gov", "sen", "rep", "pres", "ave", "blvd", "rd", "apt", "ste",
                 "no", "nr", "str", "tel", "fig", "approx", "dept", "est", "mt", "ft", "ph", "bros", "hr", "fr",
                 "sra", "dra", "dott", "ing", "avv", "mme", "mlle", "av", "pl", "bd", "ul", "al", "os", "ул", "г",
                 "д", "кв", "пр", "обл", "им"}


class Token:
    __slots__ = ("start", "end", "text", "kind", "space")

    def __init__(self, start, end, text, kind, space):
        self.start, self.end, self.text, self.kind, self.space = start, end, text, kind, space

    def __repr__(self):
        return f"{self.text!r}"


def tokens(text):
    """Tokens with code-point offsets. kind: word, num, han, mark, line, url, mail."""
    found = []
    space = True
    at = 0
    size = len(text)
    while at < size:
        hit = PATTERN.match(text, at)
        kind, end = hit.lastgroup, hit.end()
        if kind == "space":
            run = hit.group()
            if "\n" in run or "\r" in run:
                breaks = run.count("\n") or run.count("\r")
                found.append(Token(at, end, "\n" if breaks == 1 else "\n\n", "line", True))
            space = True
            at = end
            continue
        if kind == "url":
            while text[end - 1] in ".,;:!?":
                end -= 1
        if kind == "mark":
            found.append(Token(at, end, text[at], kind, space))
        elif kind == "word":
            end = word(text, at, end, space, found)
        else:
            found.append(Token(at, end, text[at:end], kind, space))
        space = False
        at = end
    return found


def word(text, at, end, space, found):
    body = text[at:end].replace("’", "'")
    first = body.find("'")
    if first > 0:
        if body[:first].lower() in ELISIONS and first + 1 < len(body):
            found.append(Token(at, at + first + 1, body[: first + 1], "word", space))
            at, space = at + first + 1, False
            body = body[first + 1 :]
        last = body.rfind("'")
        if last > 0 and body[last + 1 :].lower() in CLITICS:
            cut = last
            if body[last + 1 :].lower() == "t" and last >= 2 and body[last - 1] in "nN":
                cut = last - 1
            found.append(Token(at, at + cut, body[:cut], "word", space))
            found.append(Token(at + cut, end, body[cut:], "word", False))
            return end
    if end < len(text) and text[end] == ".":
        if len(body) == 1 and regex.match(r"\p{Uppercase}", body):
            # "J." and "U.S.": each further letter needs its full stop.
            end += 1
            while end + 1 < len(text) and text[end + 1] == "." and regex.match(r"\p{Uppercase}", text[end]):
                end += 2
        elif body.lower() in ABBREVIATIONS:
            end += 1
    found.append(Token(at, end, text[at:end].replace("’", "'"), "word", space))
    return end
