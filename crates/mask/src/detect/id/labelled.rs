//! Numbers that only their label tells: bank accounts, passports, licences, plates, vehicles.

use super::check::is_uniform;
use super::health::many_digits;
use super::{Kind, Label};
use crate::entity::Entity;

pub(super) static KINDS: [Kind; 6] = [
    Kind {
        entity: Entity::BankAccount,
        forms: &[(
            Label,
            "99999999 999999999 9999999999 99999999999 999999999999 9999999999999 \
                99999999999999 999999999999999 9999999999999999 99999999999999999 \
                99999999999999999999 999999~9999999 999999~99999999 9999~9999~99 \
                9999~9999~9999 999~999~999 999~9~99999~9 9999~9999~99~9999999999 \
                999~9999999~99 9999~99~99999 9999~9999~9999~9999",
        )],
        check: |value| !is_uniform(value),
        words: "account number, account no, acct, acct no, bank account, accountnumber, \
            checking account, savings account, account nr, kontonummer, konto, kontonr, \
            bankkonto, compte, numero compte, cuenta, cuenta bancaria, conto, conto corrente, \
            conta, rekening, rekeningnummer, bankrekening, rachunek, rachunku, konta, hesap, \
            bban, beneficiary account",
    },
    Kind {
        entity: Entity::BankAccount,
        forms: &[(Label, "99~99~99 999999")],
        check: |value| !is_uniform(value),
        words: "sort code, sortcode",
    },
    Kind {
        entity: Entity::Passport,
        forms: &[(
            Label,
            "9999999 99999999 999999999 A999999 A9999999 A99999999 AA999999 AA9999999 \
                99AA99999 XXXXXXXXX XXXXXXXX",
        )],
        check: many_digits,
        words: "passport, passports, passportnumber, passport number, passport no, reisepass, \
            passeport, pasaporte, passaporto, passaporte, paspoort, paszport, pasaport, \
            passnummer, паспорт, pass nr",
    },
    Kind {
        entity: Entity::DriverLicense,
        forms: &[(
            Label,
            "99999999 999999999 9999999999 999999999999 XXXXXXXXX XXXXXXXXXX \
                XXXXXXXXXXX 99AA99999",
        )],
        check: many_digits,
        words: "fuhrerschein, fuhrerscheinnummer, permis conduire, carnet conducir, \
            permiso conducir, rijbewijs, prawo jazdy, carta conducao, korkort, korekort, \
            ehliyet, cnh",
    },
    Kind {
        entity: Entity::VehiclePlate,
        forms: &[(
            Label,
            "AAA9999 AAA~9999 9AAA999 AA99AAA AA99~AAA AA999AA AA~999~AA 9999AAA \
                9999~AAA AAA999 AAA~999 AAA9A99 AA9999 AA~9999 A~AA~9999 A~AA~999 AA~AA~999 \
                AA~AA~9999 AAA~AA~999 AA99AA9999 AA~99~AA~9999 AAA~999AA AAA999AA 99~AAA~99 \
                99~AAA~9999 99~AA~999 99~A~9999 99AAA99 AAA9999 AA99A9999 AA9AAA9999",
        )],
        check: |_| true,
        words: "license plate, licence plate, number plate, plate number, plate, plates, \
            licenseplate, registration plate, vehicle registration, kennzeichen, \
            nummernschild, immatriculation, plaque, matricula, targa, kenteken, plaka, placa, \
            tablica, reg number",
    },
    Kind {
        entity: Entity::Vin,
        forms: &[(Label, "XXXXXXXXXXXXXXXXX")],
        check: |value| many_digits(value) && !value.iter().any(|b| b"IOQ".contains(b)),
        words: "vin, chassis, vehicle identification, fahrgestellnummer, vins, fin nummer",
    },
];

#[cfg(test)]
mod tests {
    use crate::Entity;
    use crate::detect::testing::{no, yes};

    #[test]
    fn labels_tell() {
        yes(Entity::BankAccount, "account number: 12345678", "12345678");
        yes(Entity::BankAccount, "Kontonummer 0532 0130 00", "0532 0130 00");
        yes(Entity::BankAccount, "sort code 20-00-00", "20-00-00");
        yes(Entity::DriverLicense, "Führerschein B072RRE2I55", "B072RRE2I55");
        yes(Entity::VehiclePlate, "license plate 7ABC123", "7ABC123");
        yes(Entity::VehiclePlate, "Kennzeichen M AB 1234", "M AB 1234");
        yes(Entity::Vin, "VIN 1HGCM82633A004352", "1HGCM82633A004352");
    }

    #[test]
    fn without_one_they_are_none() {
        no(Entity::BankAccount, "account of 12345678 rows, sort by 20-00-00");
        no(Entity::BankAccount, "account number and order 12345678");
        no(Entity::Passport, "document 0123456");
        no(Entity::VehiclePlate, "template ABC123, plates of size AAA999");
        no(Entity::Vin, "id 1HGCM82633A004352");
    }
}
