use super::*;

fn header(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![u8::try_from(name.len()).unwrap()];
    out.extend(name.as_bytes());
    out.push(kind);
    if matches!(kind, 6 | 7) {
        out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    }
    out.extend(value);
    out
}

/// A frame; what `lie` adds to the length of the headers makes the CRCs fit all the same.
fn frame(headers: &[Vec<u8>], payload: &[u8], lie: u32) -> Vec<u8> {
    let headers = headers.concat();
    let total = u32::try_from(headers.len() + payload.len() + 16).unwrap();
    let mut out = total.to_be_bytes().to_vec();
    out.extend((u32::try_from(headers.len()).unwrap() + lie).to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    let headers = [header(":message-type", 7, b"event"), header(":event-type", 7, name.as_bytes())];
    frame(&headers, payload.as_bytes(), 0)
}

#[derive(Debug, PartialEq)]
struct Read {
    events: Vec<(String, String, bool)>,
    stray: Vec<u8>,
    oddities: Vec<String>,
}

fn read(pieces: &[&[u8]]) -> Read {
    let mut reader = EventStreamReader::default();
    let mut events = Vec::new();
    let own = |event: Event<'_>| {
        (event.event.unwrap_or_default().into_owned(), event.data.into_owned(), event.failure)
    };
    for piece in pieces {
        reader.push(piece);
        while let Some(event) = reader.next() {
            events.push(own(event));
        }
    }
    while let Some(event) = reader.finish() {
        events.push(own(event));
    }
    let told = reader.take_oddities().into_list().into_iter();
    let oddities = told.map(|o| format!("{} {}", o.code, o.detail.unwrap_or_default())).collect();
    Read { events, stray: reader.take_stray(), oddities }
}

/// The same at every cut and byte by byte.
fn read_split(bytes: &[u8]) -> Read {
    let whole = read(&[bytes]);
    for cut in 0..bytes.len() {
        let (a, b) = bytes.split_at(cut);
        assert_eq!(read(&[a, b]), whole, "cut at {cut}");
    }
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    whole
}

fn names(read: &Read) -> Vec<&str> {
    read.events.iter().map(|(name, ..)| name.as_str()).collect()
}

#[test]
fn headers_of_all_types_are_passed_over() {
    let headers = [
        header("t", 0, b""),
        header("f", 1, b""),
        header("byte", 2, &[1]),
        header("short", 3, &[1, 2]),
        header("int", 4, &[1, 2, 3, 4]),
        header("long", 5, &[0; 8]),
        header(":event-type", 6, b"bytes are no name"),
        header("time", 8, &[0; 8]),
        header("uuid", 9, &[0; 16]),
        header(":event-type", 7, b"chunk"),
    ];
    let read = read_split(&frame(&headers, b"{}", 0));
    assert_eq!(read.events, [("chunk".to_owned(), "{}".to_owned(), false)]);
    assert_eq!((read.stray, read.oddities), (vec![], vec![]));
}

#[test]
fn failures_are_told_apart() {
    let exception = frame(
        &[
            header(":message-type", 7, b"exception"),
            header(":exception-type", 7, b"throttlingException"),
            header(":content-type", 7, b"application/json"),
        ],
        b"{\"message\":\"slow\"}",
        0,
    );
    let error = frame(
        &[
            header(":message-type", 7, b"error"),
            header(":error-code", 7, b"InternalError"),
            header(":error-message", 7, b"\"oh\""),
        ],
        b"",
        0,
    );
    let read = read_split(&[exception, error].concat());
    assert_eq!(
        read.events,
        [
            ("throttlingException".to_owned(), "{\"message\":\"slow\"}".to_owned(), true),
            ("InternalError".to_owned(), "{\"message\":\"\\\"oh\\\"\"}".to_owned(), true),
        ]
    );
}

#[test]
fn a_wrong_crc_costs_one_frame() {
    let (a, b, c) = (event("a", "{}"), event("b", "{\"x\":1}"), event("c", "{}"));
    for flipped in 0..b.len() {
        let mut bad = b.clone();
        bad[flipped] ^= 0x40;
        let read = read(&[&a, &bad, &c]);
        assert_eq!(names(&read), ["a", "c"], "byte {flipped}");
        assert_eq!(read.stray, bad, "byte {flipped}");
        let code = if flipped < 12 { "frame_prelude_wrong" } else { "frame_crc_wrong" };
        assert_eq!(read.oddities, [format!("{code} event 2, byte {}", a.len())], "byte {flipped}");
    }
    let mut bad = b;
    bad[20] ^= 1;
    read_split(&[a, bad, c].concat());
}

#[test]
fn bytes_that_are_missing_or_too_many_do_not_end_the_reading() {
    let (a, b, c) = (event("a", "{}"), event("b", "{\"x\":1}"), event("c", "{}"));
    for missing in 0..b.len() {
        let mut bad = b.clone();
        bad.remove(missing);
        let read = read(&[&a, &bad, &c]);
        assert_eq!(names(&read), ["a", "c"], "byte {missing}");
        assert_eq!(read.stray, bad, "byte {missing}");
    }
    let read = read_split(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &a, b"\0\0\0", &c].concat());
    assert_eq!(names(&read), ["a", "c"]);
    assert_eq!(read.stray, b"HTTP/1.1 200 OK\r\n\0\0\0");
    assert_eq!(read.oddities.len(), 2, "{:?}", read.oddities);
}

#[test]
fn a_cut_frame_is_kept() {
    let (a, b) = (event("a", "{}"), event("b", "{}"));
    for cut in 1..b.len() {
        let read = read_split(&[&a, &b[..cut]].concat());
        assert_eq!(names(&read), ["a"], "{cut}");
        assert_eq!(read.stray, &b[..cut], "{cut}");
        assert_eq!(read.oddities, [format!("frame_cut event 2, byte {}", a.len())], "{cut}");
    }
}

#[test]
fn lengths_that_lie_are_damage() {
    let after = event("after", "{}");
    // More headers than the frame holds, and headers that end in the middle of one.
    for (lie, code) in [(1000, "frame_length_invalid"), (1, "frame_headers_invalid")] {
        let bad = frame(&[header(":event-type", 7, b"x")], b"\x05{}", lie);
        let read = read_split(&[bad.as_slice(), &after].concat());
        assert_eq!(names(&read), ["after"], "{code}");
        assert_eq!(read.oddities, [format!("{code} event 1, byte 0")]);
        assert_eq!(read.stray, bad);
    }
    // Lengths over AWS's limits, and under the smallest frame, with CRCs that fit.
    for total in [0_u32, 15, u32::MAX, (16 << 20) + 17] {
        let mut bad = [total.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        bad.extend(crc32fast::hash(&bad).to_be_bytes());
        let read = read_split(&[bad.as_slice(), &after].concat());
        assert_eq!(names(&read), ["after"], "{total}");
        assert_eq!(read.oddities, ["frame_length_invalid event 1, byte 0"]);
        assert_eq!(read.stray, bad);
    }
    // A length that reaches over the end hides nothing.
    let mut bad = [1000_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    bad.extend(crc32fast::hash(&bad).to_be_bytes());
    let read = read_split(&[bad.as_slice(), &after].concat());
    assert_eq!(names(&read), ["after"]);
    assert_eq!(read.oddities, ["frame_cut event 1, byte 0"]);
}

/// Each of these frames reaches over all others, so that looking inside of each would be
/// quadratic.
#[test]
fn frames_that_overlap_are_not_summed_for_ever() {
    let mut prelude = [(1_u32 << 20).to_be_bytes(), 0_u32.to_be_bytes()].concat();
    prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
    let bytes = prelude.repeat((4 << 20) / prelude.len());
    let read = read(&[&bytes]);
    assert!(read.events.is_empty());
    assert_eq!(read.stray, bytes);
}
