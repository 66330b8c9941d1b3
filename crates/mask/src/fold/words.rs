//! Words of other scripts that say what stands behind them, and the English words that the detectors
//! know for them.
//!
//! In the view letters of other scripts are all the same letter, so that a word in them says
//! nothing. These few are seen as what they mean.

use std::sync::LazyLock;

/// A word as it is written, small letters first, and what is seen for it: never more bytes, and
/// a blank at its end where the verb is in it.
const WORDS: [(&str, &str); 73] = [
    // Chinese, Japanese, Korean
    ("密码是", "pwd is "),
    ("密碼是", "pwd is "),
    ("密码为", "pwd is "),
    ("密码", "pwd"),
    ("密碼", "pwd"),
    ("口令", "pwd"),
    ("パスワードは", "password is "),
    ("パスワード", "password"),
    ("暗証番号", "password"),
    ("비밀번호는", "password is "),
    ("비밀번호", "password"),
    ("密钥", "secret"),
    ("密鑰", "secret"),
    ("令牌", "token"),
    ("トークン", "token"),
    ("토큰", "token"),
    ("手机号码", "mobile"),
    ("手机号", "mobile"),
    ("手机", "mobile"),
    ("手機", "mobile"),
    ("电话号码", "phone"),
    ("电话", "phone"),
    ("電話番号", "phone"),
    ("電話", "phone"),
    ("携帯", "mobile"),
    ("전화번호", "phone"),
    ("전화", "phone"),
    ("휴대폰", "mobile"),
    ("联系方式", "phone"),
    ("护照号码", "passport"),
    ("护照号", "passport"),
    ("パスポート番号", "passport"),
    ("パスポート", "passport"),
    ("여권번호", "passport"),
    ("生年月日", "birthday"),
    ("出生日期", "birthday"),
    ("생년월일", "birthday"),
    // Russian, Ukrainian, Bulgarian
    ("пароль", "password"),
    ("парола", "password"),
    ("токен", "token"),
    ("секрет", "secret"),
    ("телефон", "phone"),
    ("тел", "phone"),
    ("мобильный", "mobile"),
    ("мобільний", "mobile"),
    ("паспорта", "passport"),
    ("паспорт", "passport"),
    ("дата рождения", "date of birth"),
    ("дата народження", "date of birth"),
    ("родился", "born"),
    ("родилась", "born"),
    // Greek
    ("κωδικός πρόσβασης", "password"),
    ("κωδικός", "password"),
    ("τηλέφωνο", "phone"),
    ("κινητό", "mobile"),
    ("διαβατήριο", "passport"),
    // Hebrew, Arabic, Persian
    ("סיסמה", "password"),
    ("סיסמא", "password"),
    ("טלפון", "phone"),
    ("נייד", "mobile"),
    ("كلمة المرور", "password"),
    ("كلمة السر", "password"),
    ("هاتف", "phone"),
    ("جوال", "mobile"),
    ("رمز عبور", "password"),
    ("تلفن", "phone"),
    ("گذرواژه", "password"),
    // Hindi, Thai
    ("पासवर्ड", "password"),
    ("फ़ोन", "phone"),
    ("फोन", "phone"),
    ("मोबाइल", "mobile"),
    ("รหัสผ่าน", "password"),
    ("โทรศัพท์", "phone"),
];

/// With what the words begin, in order.
static HEADS: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut heads: Vec<char> = WORDS.iter().filter_map(|(word, _)| word.chars().next()).collect();
    heads.sort_unstable();
    heads.dedup();
    heads
});

/// The word with which a text begins: what is seen for it, and how many bytes it has.
pub(super) fn at(text: &str) -> Option<(&'static str, usize)> {
    let head = small(text.chars().next()?);
    HEADS.binary_search(&head).ok()?;
    let (word, seen) = WORDS.iter().find(|(word, _)| begins(text, word))?;
    Some((seen, word.len()))
}

fn begins(text: &str, word: &str) -> bool {
    let mut chars = text.chars();
    word.chars().all(|c| chars.next().is_some_and(|there| small(there) == c))
}

/// The small letter, in the scripts where it has as many bytes.
fn small(c: char) -> char {
    if c.is_uppercase() && matches!(c, '\u{370}'..='\u{52f}') {
        return c.to_lowercase().next().unwrap_or(c);
    }
    c
}

/// Works out the table ahead of the first text.
pub(super) fn prepare() {
    LazyLock::force(&HEADS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_seen_in_no_more_bytes() {
        for (i, (word, seen)) in WORDS.iter().enumerate() {
            assert!(seen.len() <= word.len(), "{word}");
            assert!(seen.is_ascii());
            let first = WORDS.iter().position(|(other, _)| word.starts_with(other));
            assert_eq!(first, Some(i), "{word} stands behind a word that it begins with");
            assert_eq!(at(word), Some((*seen, word.len())));
        }
        assert_eq!(at("Пароль: x"), Some(("password", 12)));
        assert_eq!(at("плохо"), None);
    }
}
