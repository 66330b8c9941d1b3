//! The kinds of value the detectors know.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use crate::policy::UnknownName;

/// Declares [`Entity`]: a variant, its name outside, its group and what it is.
macro_rules! entities {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $group:ident;)*) => {
        /// A kind of sensitive value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Entity {
            $($(#[$doc])* $variant,
            )*
            /// Of a rule of the user's own, by the name that it has there. Made with
            /// [`Entity::custom`].
            Custom(&'static str),
        }

        impl Entity {
            /// Every entity but those of the user's own rules, in order.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name that stands in policies, counts and placeholders.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Custom(name) => name,
                }
            }

            /// What kinds of value it belongs to.
            pub const fn group(self) -> Group {
                match self {
                    $(Self::$variant => Group::$group,)*
                    Self::Custom(_) => Group::Custom,
                }
            }
        }
    };
}

entities! {
    /// An e-mail address.
    Email = "EMAIL", Contact;
    /// A payment card number.
    CreditCard = "CREDIT_CARD", Financial;
    /// An international bank account number.
    Iban = "IBAN", Financial;
    /// A social security number of the United States.
    UsSsn = "US_SSN", National;
    /// A telephone number.
    Phone = "PHONE", Contact;
    /// An IPv4 or IPv6 address.
    IpAddress = "IP_ADDRESS", Network;
    /// An API key, access token, password or other credential.
    ApiKey = "API_KEY", Credential;
    /// A private key in PEM form.
    PrivateKey = "PRIVATE_KEY", Credential;
    /// A JSON web token.
    Jwt = "JWT", Credential;
    /// The address of a database or a broker with the password to it.
    ConnectionString = "CONNECTION_STRING", Credential;
    /// A person's name.
    Person = "PERSON", Name;
    /// A city, region, country or postal code.
    Location = "LOCATION", Name;
    /// A postal address or its street line.
    Address = "ADDRESS", Name;
    /// An organisation's name. Kept unless a policy says otherwise.
    Organisation = "ORG", Name;
    /// A domestic bank account number or sort code.
    BankAccount = "BANK_ACCOUNT", Financial;
    /// A bank's identifier code.
    Swift = "SWIFT", Financial;
    /// A routing number of a bank of the United States.
    AbaRouting = "ABA_ROUTING_NUMBER", Financial;
    /// An address of a cryptocurrency.
    Crypto = "CRYPTO", Financial;
    /// A hardware address.
    MacAddress = "MAC_ADDRESS", Network;
    /// A place by latitude and longitude.
    Geo = "GEO", Personal;
    /// A date of birth.
    DateOfBirth = "DATE_OF_BIRTH", Personal;
    /// A vehicle identification number.
    Vin = "VIN", Personal;
    /// A vehicle's number plate.
    VehiclePlate = "VEHICLE_PLATE", Personal;
    /// A number of a patient's record.
    MedicalRecord = "MEDICAL_RECORD", Health;
    /// A number of a member of a health plan.
    HealthPlan = "HEALTH_PLAN", Health;
    /// A passport number of a country that has no entity of its own.
    Passport = "PASSPORT", National;
    /// A driving licence of a country that has no entity of its own.
    DriverLicense = "DRIVER_LICENSE", National;
    /// A taxpayer number of the United States.
    UsItin = "US_ITIN", National;
    /// An employer number of the United States.
    UsEin = "US_EIN", National;
    /// A driver licence of the United States.
    UsDriverLicense = "US_DRIVER_LICENSE", National;
    /// A passport of the United States.
    UsPassport = "US_PASSPORT", National;
    /// A beneficiary of Medicare in the United States.
    UsMbi = "US_MBI", Health;
    /// A provider of health care in the United States.
    UsNpi = "US_NPI", Health;
    /// A prescriber's number of the DEA.
    MedicalLicense = "MEDICAL_LICENSE", Health;
    /// A patient of the National Health Service.
    UkNhs = "UK_NHS", Health;
    /// A national insurance number of the United Kingdom.
    UkNino = "UK_NINO", National;
    /// A passport of the United Kingdom.
    UkPassport = "UK_PASSPORT", National;
    /// A driving licence of the United Kingdom.
    UkDrivingLicence = "UK_DRIVING_LICENCE", National;
    /// A postcode of the United Kingdom, which names some fifteen doors.
    UkPostcode = "UK_POSTCODE", Personal;
    /// A tax number of a person in Germany.
    DeTaxId = "DE_TAX_ID", National;
    /// An identity card of Germany.
    DeIdCard = "DE_ID_CARD", National;
    /// A passport of Germany.
    DePassport = "DE_PASSPORT", National;
    /// A pension insurance number of Germany.
    DeSocialSecurity = "DE_SOCIAL_SECURITY", National;
    /// A health insurance number of Germany.
    DeHealthInsurance = "DE_HEALTH_INSURANCE", Health;
    /// A VAT number of Germany.
    DeVatId = "DE_VAT_ID", National;
    /// A physician's number of Germany.
    DeLanr = "DE_LANR", Health;
    /// A medical practice's number of Germany.
    DeBsnr = "DE_BSNR", Health;
    /// A social security number of France.
    FrNir = "FR_NIR", National;
    /// An identity and tax number of Spain.
    EsNif = "ES_NIF", National;
    /// A foreigner's number of Spain.
    EsNie = "ES_NIE", National;
    /// A passport of Spain.
    EsPassport = "ES_PASSPORT", National;
    /// A tax code of a person in Italy.
    ItFiscalCode = "IT_FISCAL_CODE", National;
    /// A VAT number of Italy.
    ItVatCode = "IT_VAT_CODE", National;
    /// A passport of Italy.
    ItPassport = "IT_PASSPORT", National;
    /// An identity card of Italy.
    ItIdentityCard = "IT_IDENTITY_CARD", National;
    /// A driving licence of Italy.
    ItDriverLicense = "IT_DRIVER_LICENSE", National;
    /// A personal number of Poland.
    PlPesel = "PL_PESEL", National;
    /// A tax number of Poland.
    PlNip = "PL_NIP", National;
    /// A citizen service number of the Netherlands.
    NlBsn = "NL_BSN", National;
    /// A national register number of Belgium.
    BeNationalNumber = "BE_NATIONAL_NUMBER", National;
    /// A tax number of Portugal.
    PtNif = "PT_NIF", National;
    /// A personal number of Sweden.
    SePersonnummer = "SE_PERSONNUMMER", National;
    /// An organisation's number of Sweden.
    SeOrganisationsnummer = "SE_ORGANISATIONSNUMMER", National;
    /// A personal identity code of Finland.
    FiPersonalIdentityCode = "FI_PERSONAL_IDENTITY_CODE", National;
    /// A personal number of Denmark.
    DkCpr = "DK_CPR", National;
    /// A birth number of Norway.
    NoFodselsnummer = "NO_FODSELSNUMMER", National;
    /// A social insurance number of Austria.
    AtSvnr = "AT_SVNR", National;
    /// A social insurance number of Switzerland.
    ChAhv = "CH_AHV", National;
    /// A personal number of Romania.
    RoCnp = "RO_CNP", National;
    /// A personal number of Bulgaria.
    BgEgn = "BG_EGN", National;
    /// A social security number of Greece.
    GrAmka = "GR_AMKA", National;
    /// A tax number of Greece.
    GrAfm = "GR_AFM", National;
    /// A personal public service number of Ireland.
    IePps = "IE_PPS", National;
    /// A birth number of the Czech Republic or Slovakia.
    CzRodneCislo = "CZ_RODNE_CISLO", National;
    /// A personal number of Croatia.
    HrOib = "HR_OIB", National;
    /// A personal code of Estonia or Lithuania.
    EeIsikukood = "EE_ISIKUKOOD", National;
    /// A national identity number of Turkey.
    TrNationalId = "TR_NATIONAL_ID", National;
    /// A tax number of a person in Brazil.
    BrCpf = "BR_CPF", National;
    /// A tax number of a firm in Brazil.
    BrCnpj = "BR_CNPJ", National;
    /// A population register code of Mexico.
    MxCurp = "MX_CURP", National;
    /// A tax number of Argentina.
    ArCuit = "AR_CUIT", National;
    /// An identity and tax number of Chile.
    ClRut = "CL_RUT", National;
    /// A social insurance number of Canada.
    CaSin = "CA_SIN", National;
    /// A tax file number of Australia.
    AuTfn = "AU_TFN", National;
    /// A Medicare card of Australia.
    AuMedicare = "AU_MEDICARE", Health;
    /// A business number of Australia.
    AuAbn = "AU_ABN", National;
    /// A company number of Australia.
    AuAcn = "AU_ACN", National;
    /// An identity number of South Africa.
    ZaIdNumber = "ZA_ID_NUMBER", National;
    /// An identity number of Israel.
    IlId = "IL_ID", National;
    /// An identity number of Singapore.
    SgNricFin = "SG_NRIC_FIN", National;
    /// A number of an entity in Singapore.
    SgUen = "SG_UEN", National;
    /// A resident registration number of South Korea.
    KrRrn = "KR_RRN", National;
    /// A foreigner's registration number of South Korea.
    KrFrn = "KR_FRN", National;
    /// A business registration number of South Korea.
    KrBrn = "KR_BRN", National;
    /// A passport of South Korea.
    KrPassport = "KR_PASSPORT", National;
    /// A driving licence of South Korea.
    KrDriverLicense = "KR_DRIVER_LICENSE", National;
    /// A national identity number of Thailand.
    ThTnin = "TH_TNIN", National;
    /// A resident identity number of China.
    CnResidentId = "CN_RESIDENT_ID", National;
    /// An identity number of Taiwan.
    TwNationalId = "TW_NATIONAL_ID", National;
    /// An identity card of Hong Kong.
    HkId = "HK_ID", National;
    /// An individual number of Japan.
    JpMyNumber = "JP_MY_NUMBER", National;
    /// An Aadhaar number of India.
    InAadhaar = "IN_AADHAAR", National;
    /// A permanent account number of India.
    InPan = "IN_PAN", National;
    /// A voter's card of India.
    InVoter = "IN_VOTER", National;
    /// A passport of India.
    InPassport = "IN_PASSPORT", National;
    /// A tax number of a firm in India.
    InGstin = "IN_GSTIN", National;
}

/// What kinds of value an entity belongs to; policies and documentation speak of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Ways to reach a person.
    Contact,
    /// Cards, accounts and wallets.
    Financial,
    /// Numbers that a state or its agencies give to people and firms.
    National,
    /// Records and numbers of health care.
    Health,
    /// Addresses of machines.
    Network,
    /// What opens a door, and so is never wanted back from a log.
    Credential,
    /// Names of people and places, found by the names tier.
    Name,
    /// Other facts about a person, such as a date of birth.
    Personal,
    /// What rules of the user's own find.
    Custom,
}

/// The names of the user's own entities. There are few, they come from the configuration, and
/// placeholders with them must be known for what they are wherever a text is looked at.
static CUSTOM: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// The longest name that an entity may have, in bytes.
pub(crate) const LONGEST_NAME: usize = 32;

impl Entity {
    /// The entity of a rule of the user's own. Its name is made of upper-case letters, digits and
    /// `_`, begins with a letter, has 2 to 32 of them, and is no name that is taken.
    pub fn custom(name: &str) -> Result<Self, UnknownName> {
        let refused = || UnknownName { what: "entity name", name: name.to_owned() };
        let word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let good = (2..=LONGEST_NAME).contains(&name.len())
            && name.bytes().all(word)
            && name.starts_with(|c: char| c.is_ascii_uppercase());
        if !good || Self::ALL.iter().any(|entity| entity.as_str() == name) {
            return Err(refused());
        }
        let mut names = CUSTOM.write().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().find(|known| **known == name).copied();
        let name = known.unwrap_or_else(|| {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.push(name);
            name
        });
        Ok(Self::Custom(name))
    }

    /// The entity with this name, the user's own among them.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|entity| entity.as_str().as_bytes() == name);
        known.or_else(|| {
            let names = CUSTOM.read().unwrap_or_else(PoisonError::into_inner);
            let name = names.iter().find(|known| known.as_bytes() == name)?;
            Some(Self::Custom(name))
        })
    }

    /// Whether the value opens a door, and so is never wanted back from a log.
    pub const fn is_credential(self) -> bool {
        matches!(self.group(), Group::Credential)
    }
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 9] = [
        Self::Contact,
        Self::Financial,
        Self::National,
        Self::Health,
        Self::Network,
        Self::Credential,
        Self::Name,
        Self::Personal,
        Self::Custom,
    ];

    /// Its name in policies: a lower-case word, which no entity has.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Financial => "financial",
            Self::National => "national",
            Self::Health => "health",
            Self::Network => "network",
            Self::Credential => "credential",
            Self::Name => "name",
            Self::Personal => "personal",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for Group {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|group| group.as_str() == name)
            .ok_or_else(|| UnknownName { what: "group", name: name.to_owned() })
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Entity {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::named(name.to_ascii_uppercase().as_bytes())
            .ok_or_else(|| UnknownName { what: "entity", name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for entity in Entity::ALL {
            assert_eq!(entity.to_string().parse(), Ok(entity));
            assert_eq!(entity.as_str().to_lowercase().parse(), Ok(entity));
        }
    }

    #[test]
    fn own_names() {
        let badge = Entity::custom("BADGE_NO").unwrap();
        assert_eq!(Entity::custom("BADGE_NO"), Ok(badge));
        assert_eq!("badge_no".parse(), Ok(badge));
        for name in ["EMAIL", "badge", "B", "9X", "A-B", "", &"A".repeat(33)] {
            assert!(Entity::custom(name).is_err(), "{name}");
        }
    }

    #[test]
    fn groups_have_names() {
        assert_eq!("credential".parse(), Ok(Group::Credential));
        assert!("shoes".parse::<Group>().is_err());
    }

    #[test]
    fn an_unknown_name_is_told() {
        let error = "SHOE_SIZE".parse::<Entity>().unwrap_err();
        assert_eq!(error.to_string(), "unknown entity \"SHOE_SIZE\"");
    }
}
