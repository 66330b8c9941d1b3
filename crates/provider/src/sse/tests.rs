use super::*;

fn read_split(bytes: &[u8], sizes: &[usize]) -> Vec<(Option<String>, String, bool)> {
    let mut reader = SseReader::new();
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut sizes = sizes.iter().copied().cycle();
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        rest = tail;
        reader.push(piece);
        while let Some(event) = reader.next() {
            out.push(owned(event));
        }
    }
    if let Some(event) = reader.finish() {
        out.push(owned(event));
    }
    out
}

fn owned(event: Event<'_>) -> (Option<String>, String, bool) {
    (event.event.map(Cow::into_owned), event.data.into_owned(), event.complete)
}

fn read(text: &str) -> Vec<(Option<String>, String, bool)> {
    let whole = read_split(text.as_bytes(), &[usize::MAX]);
    for size in 1..8 {
        assert_eq!(read_split(text.as_bytes(), &[size]), whole, "pieces of {size}");
    }
    whole
}

fn data(text: &str) -> Vec<String> {
    read(text).into_iter().map(|(_, data, _)| data).collect()
}

#[test]
fn line_ends_of_all_kinds() {
    for end in ["\n", "\r\n", "\r"] {
        let text =
            "event: a\ndata: 1\n\n: comment\ndata:2\ndata:  3\n\n\n\ndata\n\n".replace('\n', end);
        assert_eq!(
            read(&text),
            [
                (Some("a".into()), "1".into(), true),
                (None, "2\n 3".into(), true),
                (None, String::new(), true),
            ],
            "{end:?}"
        );
    }
}

#[test]
fn a_bom_is_skipped_only_at_the_start() {
    assert_eq!(data("\u{feff}data: x\n\n"), ["x"]);
    assert_eq!(data("data: \u{feff}x\n\n"), ["\u{feff}x"]);
    assert!(data("\u{feff}").is_empty());
}

#[test]
fn characters_split_between_pieces_stay_whole() {
    assert_eq!(data("data: grüße 🙂 語\n\n"), ["grüße 🙂 語"]);
}

#[test]
fn a_name_without_data_is_no_event() {
    assert_eq!(read("event: x\n\ndata: 1\n\n"), [(None, "1".into(), true)]);
}

#[test]
fn the_end_may_cut_an_event() {
    assert_eq!(read("data: 1\n\ndata: 2"), [(None, "1".into(), true), (None, "2".into(), false)]);
    assert_eq!(read("data: 1\r"), [(None, "1".into(), false)]);
}

#[test]
fn what_is_not_utf8_is_replaced_and_told() {
    let mut reader = SseReader::new();
    reader.push(b"data: a\xffb\n\ndata: ok \xef\xbf\xbd\n\n");
    let event = reader.next().unwrap();
    assert!(event.lossy);
    assert_eq!(event.data, "a\u{fffd}b");
    assert!(!reader.next().unwrap().lossy);
}

#[test]
fn an_event_over_the_limit_is_dropped_alone() {
    let text = format!("data: 1\n\ndata: {}\ndata: y\n\ndata: 2\n\n", "x".repeat(100));
    for size in [1, 3, 50, 1000] {
        let mut reader = SseReader::with_limit(50);
        let mut seen = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            reader.push(piece);
            while let Some(event) = reader.next() {
                seen.push(event.data.into_owned());
            }
        }
        assert_eq!(seen, ["1", "2"], "pieces of {size}");
        assert!(reader.dropped() >= 100);
    }
}

#[test]
fn lines_that_are_not_sse_are_kept() {
    let mut reader = SseReader::new();
    reader.push(b"id: 1\nretry: 5\n<html>\ndata: 1\n\n");
    assert!(reader.next().is_some());
    assert_eq!(reader.take_stray(), b"<html>\n");
}
