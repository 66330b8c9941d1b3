"""Takes prose out of unpacked Debian packages, one paragraph a line, one file a language.

usage: corpus.py UNPACKED OUT

UNPACKED is a folder into which the packages of README.md were unpacked with `dpkg -x`.
"""

import glob
import gzip
import html
import os
import random
import sys

import regex
import zlib

LANGUAGES = {"de": "de", "fr": "fr", "es": "es", "it": "it", "pl": "pl", "nl": "nl", "pt": "pt", "pt_BR": "pt", "pt_PT": "pt",
             "ru": "ru", "sv": "sv", "zh_CN": "zh", "zh-CN": "zh", "zh_TW": "zh", "zh-cn": "zh", "C": "en", "en": "en"}


def of_html(body):
    body = regex.sub(r"(?is)<(script|style|head|pre)\b.*?</\1>", " ", body)
    body = regex.sub(r"(?i)</?(p|div|li|h\d|br|td|tr|dt|dd|blockquote|title|note|item|section)\b[^>]*>", "\n", body)
    body = regex.sub(r"<[^>]+>", "", body)
    return html.unescape(body).split("\n")


def of_page(body):
    body = regex.sub(r"(?is)<(info|screen|code)\b.*?</\1>", " ", body)
    body = regex.sub(r"\s+", " ", body)
    return of_html(body)


def of_man(body):
    out, now = [], []
    for line in body.split("\n"):
        if line.startswith((".", "'")):
            head = line.split(" ")[0]
            if head in (".B", ".I", ".BR", ".IR", ".RB", ".RI", ".BI", ".IB", ".Nm", ".Xr"):
                now.append(" ".join(line.split(" ")[1:]).replace('"', ""))
                continue
            if now:
                out.append(" ".join(now))
                now = []
            continue
        now.append(line)
    out.append(" ".join(now))
    clean = []
    for p in out:
        p = regex.sub(r"\\f(\[[A-Z]*\]|.)|\\&|\\/|\\c|\\%|\\,", "", p)
        p = p.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\(lq", '"').replace(r"\(rq", '"').replace(r"\e", "\\")
        p = regex.sub(r"\\\((..)|\\\[[^\]]*\]|\\s[+-]?\d|\\\*\S", "", p)
        clean.append(p)
    return clean


def read(path):
    raw = gzip.open(path).read() if path.endswith(".gz") else open(path, "rb").read()
    for encoding in ("utf-8", "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            pass
    return ""


def language(path):
    for part in path.split("/"):
        if part in LANGUAGES:
            return LANGUAGES[part]
    hit = regex.search(r"debian-faq[^/]*\.(de|fr|it|nl|pt|ru|zh-cn)\b|developers-reference-(de)", path)
    return LANGUAGES.get(hit.group(1), "en") if hit else "en"


def paragraphs(root):
    for path in glob.glob(root + "/usr/share/help/*/**/*.page", recursive=True):
        if language(path) in LANGUAGES.values() and path.split("/help/")[1].split("/")[0] in LANGUAGES:
            yield language(path), "help", of_page(read(path))
    for path in glob.glob(root + "/usr/share/libreoffice/help/*/text/**/*.html", recursive=True):
        yield language(path), "office", of_html(read(path))
    for path in glob.glob(root + "/usr/share/man/*/man*/*.gz"):
        if path.split("/man/")[1].split("/")[0] in LANGUAGES:
            yield language(path), "man", of_man(read(path))
    for path in glob.glob(root + "/usr/share/doc/anarchism/html/*.html*"):
        yield "en", "anarchism", of_page(read(path))
    for path in glob.glob(root + "/usr/share/doc/debian*/**/*.html*", recursive=True):
        hit = regex.search(r"/([a-z]{2}(-[A-Z]{2})?)/|\.([a-z]{2}(-cn)?)\.html", path)
        code = (hit.group(1) or hit.group(3)) if hit else "en"
        code = {"en-US": "en", "zh-CN": "zh", "de-DE": "de", "fr-FR": "fr", "es-ES": "es", "it-IT": "it", "pt-BR": "pt",
                "pl-PL": "pl", "ru-RU": "ru", "sv-SE": "sv", "nl-NL": "nl", "zh-cn": "zh"}.get(code, code)
        if code in LANGUAGES.values():
            yield code, "debian", of_page(read(path))
    names = {"de": "de", "es": "es", "it": "it", "fr": "fr"}
    for path in glob.glob(root + "/usr/share/games/fortunes/**/*", recursive=True):
        if os.path.isdir(path) or path.endswith((".dat", ".u8")):
            continue
        base, above = os.path.basename(path), path.split("/")[-2]
        code = names.get(above) or ("pl" if "pl" in base[:3] else "zh" if base in ("chinese", "tang300", "song100") else "pt" if base == "brasil" else
                                   "it" if base in ("italia", "definizioni", "formiche", "leggi", "luttazzi", "itatrek") else "en")
        body = read(path)
        if regex.search(r"[а-яё]{3}", body[:3000]):
            code = "ru"
        yield code, "fortune", [regex.sub(r"\s+", " ", p) for p in body.split("\n%\n")]
    for path in glob.glob(root + "/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"):
        raw, at = open(path, "rb").read(), 0
        while at < len(raw):
            try:
                blob = zlib.decompressobj()
                body = blob.decompress(raw[at + 4 :])
                used = len(raw) - at - len(blob.unused_data)
            except zlib.error:
                at += 1
                continue
            at += used
            text = regex.sub(rb"\x00\x04\x00\x09\x00\x00\x00.", b"\n", body).decode("latin-1")
            lines = [l.strip() for l in regex.split(r"[\x00-\x08\x0b-\x1f]+|\n", text)]
            para = []
            for line in lines:
                if len(line) < 45:
                    para.append(line)
                    yield "en", "austen", [" ".join(para)]
                    para = []
                else:
                    para.append(line)


def main():
    root, out = sys.argv[1:3]
    os.makedirs(out, exist_ok=True)
    seen, kept = set(), {}
    for code, source, found in paragraphs(root):
        for p in found:
            p = regex.sub(r"\s+", " ", p).strip()
            if not (25 <= len(p) <= 1200) and not (code == "zh" and 8 <= len(p) <= 600):
                continue
            if hash(p) in seen:
                continue
            seen.add(hash(p))
            kept.setdefault((code, source), []).append(p)
    random.seed(1)
    for (code, source), all_of in sorted(kept.items()):
        random.shuffle(all_of)
        with open(f"{out}/{code}.{source}.txt", "w") as f:
            f.write("\n".join(all_of) + "\n")
        print(code, source, len(all_of), sum(map(len, all_of)))


main()
