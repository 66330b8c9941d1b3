//! Why something was found, for whoever has to decide whether rightly.

use crate::entity::{Entity, Group};
use crate::span::Span;

impl Span {
    /// What decided that this is such a value, in a few words.
    pub fn why(&self) -> &'static str {
        match (self.detector, self.entity) {
            ("key of the member", _) => "the key above it says what it is",
            ("siblings", _) => "neighbouring members make a number whose check digits hold",
            ("base64", _) => "base64 that decodes to text with such a value",
            (_, Entity::Custom(_)) => "a rule of the configuration",
            (_, Entity::Email) => "a local part, an @ and a domain that can exist",
            (_, Entity::CreditCard) => "an issuer's range, its length and the Luhn digit",
            (_, Entity::Iban) => "a country's length and the check digits (mod 97)",
            (_, Entity::Phone) => "the form of a number that can be dialled, or a word near by",
            (_, Entity::IpAddress) => "the form of an address, and no version of software",
            (_, Entity::Jwt) => "three parts whose head decodes",
            (_, Entity::PrivateKey) => "the head of a key block",
            (_, Entity::Person | Entity::Location | Entity::Address | Entity::Organisation) => {
                "read as a name in its sentence (statistical)"
            }
            (_, entity) => match entity.group() {
                Group::Credential => "a known form of credential, or a name that says so",
                Group::Contact | Group::Network => "its form",
                _ => "its form and check digits, or a word near by",
            },
        }
    }
}
