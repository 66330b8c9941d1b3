//! Requests and answers of the Time-Stamp Protocol, RFC 3161, as bytes.
//!
//! What is checked here is that an answer is one to this question: status, digest, nonce. Its
//! signature is not: that takes the authority's certificates and a library for them, and
//! `openssl ts -verify` does it (`docs/anchors.md`).

use record::Timestamp;

use crate::der::{
    BOOLEAN, CONTEXT_0, DerError, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, OID, Reader,
    SEQUENCE, SET, value,
};

/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

/// What an authority says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampAnswer {
    /// SHA-256 of what was timestamped.
    pub digest: [u8; 32],
    /// The nonce of the request, big endian, if the answer repeats it.
    pub nonce: Option<Vec<u8>>,
    /// The authority's time.
    pub time: Timestamp,
    /// The authority's serial number, big endian.
    pub serial: Vec<u8>,
}

/// Why bytes are not the answer that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// The authority did not grant it.
    #[error("the authority did not grant a timestamp: status {status}{text}")]
    NotGranted {
        /// `PKIStatus`.
        status: u8,
        /// What it says, with a colon before it, or nothing.
        text: String,
    },
    /// The bytes are no answer.
    #[error("not an RFC 3161 answer: {0}")]
    Malformed(String),
    /// It is over something else.
    #[error("the timestamp is over another digest")]
    OtherDigest,
    /// It answers another request.
    #[error("the timestamp has another nonce: it answers another request")]
    OtherNonce,
}

impl From<DerError> for TimestampError {
    fn from(error: DerError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// A request (`TimeStampReq`) over a SHA-256, with the authority's certificate asked for, so that
/// the answer can be checked when the authority is long gone.
pub fn timestamp_request(digest: &[u8; 32], nonce: Nonce) -> Vec<u8> {
    let algorithm = value(SEQUENCE, &[&value(OID, &[SHA256]), &value(NULL, &[])]);
    let imprint = value(SEQUENCE, &[&algorithm, &value(OCTET_STRING, &[digest])]);
    let nonce = value(INTEGER, &[&nonce.0]);
    let certificates = value(BOOLEAN, &[&[0xff]]);
    value(SEQUENCE, &[&value(INTEGER, &[&[1]]), &imprint, &nonce, &certificates])
}

/// A number that ties an answer to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 8]);

impl Nonce {
    /// From random bytes: positive and of full length, so that DER has one spelling of it.
    pub fn new(mut random: [u8; 8]) -> Self {
        let [first, ..] = &mut random;
        *first = *first & 0x3f | 0x40;
        Self(random)
    }
}

/// Reads an answer (`TimeStampResp`) that grants a timestamp.
pub fn read_answer(bytes: &[u8]) -> Result<TimestampAnswer, TimestampError> {
    let mut outer = Reader::new(bytes);
    let mut answer = outer.within(SEQUENCE)?;
    outer.end()?;
    let mut status = answer.within(SEQUENCE)?;
    let code = match status.expect(INTEGER)? {
        [code] => *code,
        _ => return Err(TimestampError::Malformed("its status is not a small number".to_owned())),
    };
    // 0 granted, 1 granted with modifications; everything else has no token.
    if code > 1 {
        return Err(TimestampError::NotGranted { status: code, text: said(status) });
    }
    let mut content = answer.within(SEQUENCE)?;
    answer.end()?;
    expect_oid(&mut content, SIGNED_DATA, "it holds no signed data")?;
    let mut wrapped = content.within(CONTEXT_0)?;
    let mut signed = wrapped.within(SEQUENCE)?;
    signed.expect(INTEGER)?;
    signed.expect(SET)?;
    let mut encapsulated = signed.within(SEQUENCE)?;
    expect_oid(&mut encapsulated, TST_INFO, "what it signs is no timestamp")?;
    let mut wrapped = encapsulated.within(CONTEXT_0)?;
    let mut octets = Reader::new(wrapped.expect(OCTET_STRING)?);
    let info = octets.within(SEQUENCE)?;
    octets.end()?;
    read_info(info)
}

impl TimestampAnswer {
    /// Checks that it answers this request; without a nonce at hand, that it is over this digest.
    pub fn check(&self, digest: &[u8; 32], nonce: Option<Nonce>) -> Result<(), TimestampError> {
        if self.digest != *digest {
            return Err(TimestampError::OtherDigest);
        }
        match nonce {
            Some(asked) if self.nonce.as_deref() != Some(&asked.0) => {
                Err(TimestampError::OtherNonce)
            }
            _ => Ok(()),
        }
    }
}

/// `TSTInfo`.
fn read_info(mut info: Reader<'_>) -> Result<TimestampAnswer, TimestampError> {
    let malformed = |what: &str| TimestampError::Malformed(what.to_owned());
    if info.expect(INTEGER)? != [1] {
        return Err(malformed("its version is not 1"));
    }
    info.expect(OID)?;
    let mut imprint = info.within(SEQUENCE)?;
    let mut algorithm = imprint.within(SEQUENCE)?;
    expect_oid(&mut algorithm, SHA256, "its digest is not a SHA-256")?;
    let digest = imprint.expect(OCTET_STRING)?;
    let digest = digest.try_into().map_err(|_| malformed("its digest has not 32 bytes"))?;
    let serial = info.expect(INTEGER)?.to_vec();
    let time = generalized(info.expect(GENERALIZED_TIME)?)
        .ok_or_else(|| malformed("its time is not YYYYMMDDhhmmss[.f]Z"))?;
    info.optional(SEQUENCE)?;
    info.optional(BOOLEAN)?;
    let nonce = info.optional(INTEGER)?.map(<[u8]>::to_vec);
    Ok(TimestampAnswer { digest, nonce, time, serial })
}

fn expect_oid(reader: &mut Reader<'_>, oid: &[u8], what: &str) -> Result<(), TimestampError> {
    if reader.expect(OID)? == oid {
        Ok(())
    } else {
        Err(TimestampError::Malformed(what.to_owned()))
    }
}

/// The texts of a `PKIStatusInfo`, with a colon before them.
fn said(mut status: Reader<'_>) -> String {
    let Ok(Some(texts)) = status.optional(SEQUENCE) else { return String::new() };
    let mut texts = Reader::new(texts);
    let mut out = String::new();
    while let Ok((_, text)) = texts.any() {
        let text = String::from_utf8_lossy(text);
        out.push_str(": ");
        out.extend(text.chars().filter(|c| !c.is_control()).take(200));
    }
    out
}

/// `YYYYMMDDhhmmss[.f]Z`; of the fraction six digits count.
fn generalized(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) || fraction.len() > 40 {
        return None;
    }
    let number = |from: usize, to: usize| whole.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let days = days_from_civil(year, month, day)?;
    // A leap second is the last of its minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

/// Days since 1970-01-01 of a day that there is: the inverse of `record::Timestamp::date`.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let (_, back_month, back_day) = Timestamp(days * 86_400_000_000).date();
    (i64::from(back_month) == month && i64::from(back_day) == day).then_some(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn oid(bytes: &[u8]) -> Vec<u8> {
        value(OID, &[bytes])
    }

    fn info(digest: &[u8], time: &[u8], nonce: Option<&[u8]>) -> Vec<u8> {
        let algorithm = value(SEQUENCE, &[&oid(SHA256)]);
        let imprint = value(SEQUENCE, &[&algorithm, &value(OCTET_STRING, &[digest])]);
        let accuracy = value(SEQUENCE, &[&value(INTEGER, &[&[1]])]);
        let nonce = nonce.map(|nonce| value(INTEGER, &[nonce])).unwrap_or_default();
        let tsa = value(CONTEXT_0, &[b"who"]);
        value(
            SEQUENCE,
            &[
                &value(INTEGER, &[&[1]]),
                &oid(&[0x2a, 3]),
                &imprint,
                &value(INTEGER, &[&[5]]),
                &value(GENERALIZED_TIME, &[time]),
                &accuracy,
                &nonce,
                &tsa,
            ],
        )
    }

    fn answer(info: &[u8]) -> Vec<u8> {
        let octets = value(CONTEXT_0, &[&value(OCTET_STRING, &[info])]);
        let encapsulated = value(SEQUENCE, &[&oid(TST_INFO), &octets]);
        let signed = value(SEQUENCE, &[&value(INTEGER, &[&[3]]), &value(SET, &[]), &encapsulated]);
        let token = value(SEQUENCE, &[&oid(SIGNED_DATA), &value(CONTEXT_0, &[&signed])]);
        value(SEQUENCE, &[&value(SEQUENCE, &[&value(INTEGER, &[&[0]])]), &token])
    }

    #[test]
    fn an_answer_is_bound_to_digest_and_nonce() {
        let nonce = Nonce::new([0xff; 8]);
        let bytes = answer(&info(&[9; 32], b"20261123120000.5Z", Some(&nonce.0)));
        let read = read_answer(&bytes).unwrap();
        assert_eq!(read.time.to_string(), "2026-11-23T12:00:00.500000Z");
        assert_eq!(read.serial, [5]);
        assert_eq!(read.check(&[9; 32], Some(nonce)), Ok(()));
        assert_eq!(read.check(&[8; 32], Some(nonce)), Err(TimestampError::OtherDigest));
        let other = Some(Nonce::new([1; 8]));
        assert_eq!(read.check(&[9; 32], other), Err(TimestampError::OtherNonce));
        let without = read_answer(&answer(&info(&[9; 32], b"20261123120000Z", None))).unwrap();
        assert_eq!(without.check(&[9; 32], Some(nonce)), Err(TimestampError::OtherNonce));
        assert_eq!(without.check(&[9; 32], None), Ok(()));
    }

    #[test]
    fn a_refusal_says_why() {
        let text = value(SEQUENCE, &[&value(0x0c, &[b"not today"])]);
        let bytes = value(SEQUENCE, &[&value(SEQUENCE, &[&value(INTEGER, &[&[2]]), &text])]);
        let error = read_answer(&bytes).unwrap_err().to_string();
        assert!(error.contains("status 2: not today"), "{error}");
    }

    #[test]
    fn times_that_there_are_not_are_refused() {
        for (text, expected) in [
            ("19700101000000Z", Some(0)),
            ("20240229235959.123456789Z", Some(1_709_251_199_123_456)),
            ("20240229235959.Z", Some(1_709_251_199_000_000)),
            ("20230229000000Z", None),
            ("20241301000000Z", None),
            ("20241200000000Z", None),
            ("20240101240000Z", None),
            ("20240101000000", None),
            ("202401010000Z", None),
            ("20240101000000+0100", None),
            ("2024010100000\u{e9}Z", None),
        ] {
            assert_eq!(generalized(text.as_bytes()).map(|t| t.0), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hostile_answers_do_not_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            at in 0_usize..200,
            by: u8,
        ) {
            // Noise, and a good answer with one byte changed or cut off somewhere.
            drop(read_answer(&bytes));
            let mut good = answer(&info(&[9; 32], b"20261123120000.5Z", Some(&[0x40])));
            let at = at % good.len();
            good[at] ^= by;
            drop(read_answer(&good));
            prop_assert!(read_answer(&good[..at]).is_err());
        }
    }
}
