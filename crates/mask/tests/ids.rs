//! Identifiers in texts: what is found by its words, and what stays for want of them.

use mask::{Entity, Masker, Policy, Taken};
use proptest::prelude::*;
use serde_json::json;

fn masker() -> Masker {
    Masker::new(Policy::default(), [7; 32])
}

fn masked(text: &str) -> String {
    masker().mask_text(text, &mut Taken::default()).into_owned()
}

/// Pieces whose words and numbers may come together when something between them is masked.
const PIECES: [&str; 44] = [
    "passport ",
    "Passport no. ",
    "driver's license ",
    "MRN ",
    "account number ",
    "sort code ",
    "tax id ",
    "SIN ",
    "DNI ",
    "NHS ",
    "VIN ",
    "plate ",
    "dob ",
    "born ",
    "né le ",
    "lat ",
    "gps ",
    "swift ",
    "mac ",
    "call me on ",
    "order ",
    " is my passport",
    "A12803456",
    "AB1234567",
    "12345678",
    "130-692-544",
    "12345678Z",
    "943 476 5919",
    "DE136695976",
    "1EG4-TE5-MK73",
    "1HGCM82633A004352",
    "1980-03-12",
    "12 March 1980",
    "48.85661, 2.35222",
    "DEUTDEFF500",
    "00:1A:2B:3C:4D:5E",
    "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ",
    "4111\n1111 1111 1111",
    "20-00-00",
    "паспорт ",
    ", ",
    "\n",
    ": ",
    ".",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => "[0-9A-Z -]{0,10}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn masking_twice_is_masking_once(text in text()) {
        let once = masked(&text);
        prop_assert_eq!(masked(&once), once);
    }
}

#[test]
fn words_of_ten_languages() {
    for (text, wanted) in [
        ("My passport number is A12803456.", "My passport number is [US_PASSPORT]."),
        ("Meine Kontonummer: 0532013000", "Meine Kontonummer: [BANK_ACCOUNT]"),
        ("née le 12/03/1980 à Lyon", "née le [DATE_OF_BIRTH] à Lyon"),
        ("DNI: 12345678-Z, pasaporte AAA123456", "DNI: [ES_NIF], pasaporte [ES_PASSPORT]"),
        ("la mia patente U1H00B000C", "la mia patente [IT_DRIVER_LICENSE]"),
        ("meu CPF é 390.533.447-05", "meu CPF é [BR_CPF]"),
        ("mijn BSN is 111222333", "mijn BSN is [NL_BSN]"),
        ("numer PESEL 44051401458", "numer PESEL [PL_PESEL]"),
        ("mitt personnummer 871220-2384", "mitt personnummer [SE_PERSONNUMMER]"),
        ("TC kimlik no 10000000146", "TC kimlik no [TR_NATIONAL_ID]"),
        ("rodné číslo 710319/2745", "rodné číslo [CZ_RODNE_CISLO]"),
        ("ЕГН 7523169263", "ЕГН [BG_EGN]"),
        ("身份证号11010519491231002X。", "身份证号[CN_RESIDENT_ID]。"),
    ] {
        assert_eq!(masked(text), wanted);
    }
}

#[test]
fn keys_of_json_are_words() {
    let mut value = json!({
        "passportNumber": "A12803456",
        "bank": {"account_number": "0532013000", "bic": "COBADEFF", "sortCode": "20-00-00"},
        "taxId": "12-3456789",
        "patient": {"mrn": 48_291_345, "dateOfBirth": "1980-03-12"},
        "place": {"lat": 48.85661, "lng": 2.35222},
        "order": {"id": "A12803456", "number": "0532013000", "created": "1980-03-12"},
    });
    masker().mask_json(&mut value, &mut Taken::default());
    let wanted = json!({
        "passportNumber": "[US_PASSPORT]",
        "bank": {"account_number": "[BANK_ACCOUNT]", "bic": "[SWIFT]", "sortCode": "[BANK_ACCOUNT]"},
        "taxId": "[US_EIN]",
        "patient": {"mrn": "[MEDICAL_RECORD]", "dateOfBirth": "[DATE_OF_BIRTH]"},
        "place": {"lat": "[GEO]", "lng": "[GEO]"},
        "order": {"id": "A12803456", "number": "0532013000", "created": "1980-03-12"},
    });
    assert_eq!(value, wanted);
}

#[test]
fn disguises_of_numbers() {
    for (text, entity) in [
        ("card ４１１１ １１１１ １１１１ １１１１", Entity::CreditCard),
        ("card 4111\u{2009}1111\u{2009}1111\u{2009}1111", Entity::CreditCard),
        ("card 4111/1111/1111/1111", Entity::CreditCard),
        ("card 4111\n1111 1111 1111", Entity::CreditCard),
        ("iban DE89.3704.0044.0532.0130.00", Entity::Iban),
        ("iban DE89 3704 0044\n0532 0130 00", Entity::Iban),
        ("aadhaar ３１２３-4567-8909", Entity::InAadhaar),
        ("NHS 943\u{a0}476\u{a0}5919", Entity::UkNhs),
    ] {
        let found = masker().find(text);
        assert_eq!(found.iter().map(|s| s.entity).collect::<Vec<_>>(), [entity], "{text}");
    }
}

#[test]
fn what_machines_write_stays() {
    for text in [
        "request 4bf92f3577b34da6a3ce929d0e0e4736 took 12.34567 ms on host-12",
        "time=1712345678 ts=1712345678901 us=1712345678901234 ns=1712345678901234567",
        "isbn 978-3-16-148410-0, ean 4006381333931, upc 036000291452",
        "order 98765432106, invoice 130692544, tracking 1Z999AA10123456784",
        "sku AB1234567, part A12803456-X, model AAA123456, lot 12345678Z-1",
        "M 12.3456,45.6789 L 13.1234,46.2345 C 1.2345 2.3456 3.4567 4.5678 5.6789 6.7891",
        "color: #1a2b3c; width: 1234567px; margin: 12px 34px 56px 78px",
        "src/main.rs:1234:56 +0x7ffe12345678 0xdeadbeefcafebabe",
        "serde 1.0.219, rustc 1.95.0 (2026-03-01), OID 2.5.29.31, section 20.8.2.3",
        "arn:aws:iam::123456789012:role/x vpc-0a1b2c3d4e5f67890 i-0123456789abcdef0",
        "checksum = \"8de49b3df74c35498c0232031bb7e85f9389f913e2796169c8ab47a53993a18f\"",
        "integrity sha512-9T9UjW3r0UW5c1Q7GTwllptXwhvYmEzFhzMfZ9H7FQWt+uZePjZPjBP/W1ZEyZ1twGWom5/56TF4lPcqjnDHcg==",
        "$1,299.00 12.345.678,90 EUR 1 234 567 99.99% 1e-10 3.14159265358979",
        "embedding: [0.0123456, -0.2345678, 0.3456789, -0.0456789]",
        "usage: 123456789 prompt tokens, 98765432 total, seed 130692544",
        "2024-01-31T12:30:45.123Z 31/12/2024 20240131 2024-W05 12:30:45.678901",
        "snowflake 1234567890123456789, tweet 1790000000000000000, id 5029875928683246316",
        "GET /v1/items/123456789/parts/987654321?page=2&limit=100 HTTP/1.1 200 12345",
        "msg_01XFDUDYJgAACzvnptvVoYEL call_Zf3D0LXCM3EIMbgJpUNnkR req_011CQ1aWq9QYGmxZ5cVTw1nN",
        "the public license 1234567 of the passport.js package, birthday of the port 8080",
    ] {
        assert_eq!(masked(text), text);
    }
}
