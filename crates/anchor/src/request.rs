//! The body of `add-checkpoint`, C2SP tlog-witness: how a witness reads it and a client writes it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tlog::Hash;

/// A proof of consistency of two trees of less than 2^64 leaves has no more hashes.
const MAX_PROOF: usize = 63;

/// A checkpoint, and the proof that it continues the tree of size `old`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddCheckpoint {
    pub(crate) old: u64,
    pub(crate) proof: Vec<Hash>,
    /// The signed note, byte for byte.
    pub(crate) note: Vec<u8>,
}

impl AddCheckpoint {
    /// Reads a body; the reason says what is wrong with it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let end = body
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .ok_or("it has no empty line before the checkpoint")?;
        let head = body.get(..end).and_then(|head| std::str::from_utf8(head).ok());
        let note = body.get(end + 2..).unwrap_or_default().to_vec();
        let mut lines = head.ok_or("the lines before the checkpoint are not ASCII")?.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal)
            .ok_or("its first line is not `old <size>`")?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAX_PROOF {
                return Err("it has over 63 proof lines");
            }
            let hash = BASE64_STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            proof.push(Hash(hash.ok_or("a proof line is not the base64 of 32 bytes")?));
        }
        Ok(Self { old, proof, note })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("old {}\n", self.old);
        for hash in &self.proof {
            head.push_str(&BASE64_STANDARD.encode(hash.0));
            head.push('\n');
        }
        head.push('\n');
        [head.as_bytes(), &self.note].concat()
    }
}

/// A decimal number without leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_example_of_the_specification() {
        let body = "old 20852014\n\
            PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
            jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
            5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
            /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
            \n\
            example.com/behind-the-sofa\n\
            20852163\n\
            CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
            \n\
            — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
        let read = AddCheckpoint::parse(body.as_bytes()).unwrap();
        assert_eq!((read.old, read.proof.len()), (20_852_014, 4));
        assert!(read.note.starts_with(b"example.com/behind-the-sofa\n20852163\n"));
        assert_eq!(read.to_bytes(), body.as_bytes());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        for body in [
            String::new(),
            "old 1\n".to_owned(),
            "\n\nnote".to_owned(),
            "old 01\n\nnote".to_owned(),
            "old +1\n\nnote".to_owned(),
            "old -1\n\nnote".to_owned(),
            "old  1\n\nnote".to_owned(),
            "old 18446744073709551616\n\nnote".to_owned(),
            "Old 1\n\nnote".to_owned(),
            "old 1\nAAAA\n\nnote".to_owned(),
            format!("old 1\n{}\n\nnote", hash.trim().trim_end_matches('=')),
            format!("old 1\n{}\nnote", hash.repeat(64)),
        ] {
            assert!(AddCheckpoint::parse(body.as_bytes()).is_err(), "{body:?}");
        }
        let most = format!("old 1\n{}\nnote", hash.repeat(63));
        assert_eq!(AddCheckpoint::parse(most.as_bytes()).unwrap().proof.len(), 63);
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(read) = AddCheckpoint::parse(&body) {
                prop_assert_eq!(read.to_bytes(), body);
            }
        }

        #[test]
        fn what_is_written_is_read(old: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..64)) {
            let proof: Vec<Hash> = proof.into_iter().map(Hash).take(63).collect();
            let body = AddCheckpoint { old, proof, note: b"note\n\nx".to_vec() };
            prop_assert_eq!(AddCheckpoint::parse(&body.to_bytes()), Ok(body));
        }
    }
}
