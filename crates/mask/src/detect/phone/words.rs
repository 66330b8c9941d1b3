//! Words beside telephone numbers, in the languages where Custody is used.

use crate::context::Topics;

/// A number right after one of these is a phone number whatever its form.
pub(super) const STRONG: Topics = 1 << 123;
/// The number of a person or an office: one run of digits will do.
pub(super) const PERSONAL: Topics = 1 << 124;
/// A number near one of these is one if it has the form of a national number.
pub(super) const WEAK: Topics = 1 << 125;
/// Numbers after these count other things.
pub(super) const OTHER: Topics = 1 << 126;

const LISTS: [(Topics, &str); 4] = [
    (
        STRONG,
        "phone, phones, telephone, tel, telefon, telefono, telephon, mobile, cell, \
         cellphone, cellular, fax, telefax, whatsapp, dial, handy, mobil, movil, celular, \
         portable, telefone, hotline, landline, mob, ph, phonenumber, telefonnummer, \
         telefoon, telefoonnummer, mobiel, gsm, telemovel, tlf, tfn, puhelin, \
         puhelinnumero, telefonszam, telefonni, telefonu, komorka, cep, rufnummer, \
         handynummer, mobilnummer, mobilfunknummer, cellulare, mobilephone, homephone, \
         workphone, telno, телефон, тел, моб, τηλ, τηλεφωνο, κινητο, fon, phone number",
    ),
    (
        PERSONAL,
        "call me, reach me, ring me, text me, contact me, my number, number is, my cell, \
         my new, call at, give call, me at, me on, us at, us on, our number, \
         contact number, number to, meine nummer, mi numero, mon numero, mio numero, \
         meu numero, mijn nummer, min nummer, moj numer, rufen sie, appelez moi, \
         llamame al, chiamami al, bel me, mein handy, numaram, me ligue",
    ),
    (
        WEAK,
        "call, calls, called, calling, text, reach, contact, message, messages, registered, \
         ring, sms, anrufen, appeler, llamar, chiamare, ligar, bellen, kontakt, contacto, \
         contatto, contato",
    ),
    (
        OTHER,
        "order, invoice, ticket, isbn, tracking, ref, version, zip, postcode, sku, serial, \
         timestamp, epoch, id, uuid, issue, account, reference, case, booking, reservation, \
         confirmation, amount, price, total",
    ),
];

/// Every word with its topic.
pub(crate) fn phrases() -> impl Iterator<Item = (&'static str, Topics)> {
    LISTS.iter().flat_map(|(topics, words)| words.split(", ").map(|word| (word, *topics)))
}
