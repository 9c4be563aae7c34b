//! Words of a text, as the search index has them and as they are looked for: folded, phone numbers in one spelling.

use std::ops::Range;

use super::fold::fold;

/// Legal forms, and what stands for them: they are part of many names and tell none from another.
const LEGAL_FORMS: [&str; 13] =
    ["pt", "cv", "ud", "pd", "fa", "firma", "toko", "tk", "tbk", "persero", "koperasi", "kop", "yayasan"];
/// From so many digits on, what could be a phone number is one, and not words beside it.
const PHONE_DIGITS_MIN: usize = 7;
/// From so many digits on, what is looked for may be the begin of a phone number.
const PHONE_BEGIN_DIGITS_MIN: usize = 3;

/// Whether a folded word is a legal form.
#[must_use]
pub fn is_legal_form(word: &str) -> bool {
    LEGAL_FORMS.contains(&word)
}

/// The words of a text: runs of letters and digits, folded. "P.T." is "pt". What could be a phone number is one word, as
/// [`phone`] spells it.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    for run in runs(text, PHONE_DIGITS_MIN) {
        found.extend(plain(&text[from..run.start]));
        found.push(phone(&text[run.clone()]));
        from = run.end;
    }
    found.extend(plain(&text[from..]));
    found
}

/// The ways to read what somebody looks for: as words, and, if that may be meant, with what could be the begin of a phone number as
/// one.
#[must_use]
pub fn readings(text: &str) -> Vec<Vec<String>> {
    let mut readings = vec![plain(text)];
    let mut from = 0;
    let mut with_phone = Vec::new();
    for run in runs(text, PHONE_BEGIN_DIGITS_MIN) {
        with_phone.extend(plain(&text[from..run.start]));
        with_phone.push(phone(&text[run.clone()]));
        from = run.end;
    }
    if from > 0 {
        with_phone.extend(plain(&text[from..]));
        readings.push(with_phone);
    }
    readings.retain(|words| !words.is_empty());
    readings.dedup();
    readings
}

/// The digits of a phone number without what stands before them in one spelling and not in another: 0, 62, +62.
#[must_use]
pub fn phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let rest = digits.strip_prefix("0062").or_else(|| digits.strip_prefix("62")).or_else(|| digits.strip_prefix('0'));
    rest.filter(|rest| !rest.is_empty()).map_or_else(|| digits.clone(), str::to_owned)
}

/// A name without its legal forms, word by word; with them, if it is nothing else.
#[must_use]
pub fn name_words(text: &str) -> Vec<String> {
    let all = words(text);
    let telling: Vec<String> = all.iter().filter(|word| !is_legal_form(word)).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

fn plain(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut found = Vec::new();
    for piece in folded.split(|letter: char| !letter.is_alphanumeric() && letter != '.') {
        let parts: Vec<&str> = piece.split('.').filter(|part| !part.is_empty()).collect();
        if parts.len() > 1 && parts.iter().all(|part| part.chars().count() == 1) {
            found.push(parts.concat());
        } else {
            found.extend(parts.into_iter().map(str::to_owned));
        }
    }
    found
}

/// Where in a text so many digits stand together, with nothing between them but what phone numbers are written with.
fn runs(text: &str, digits_min: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut run, mut digits): (Option<Range<usize>>, usize) = (None, 0);
    let mut letter_before = false;
    for (at, letter) in text.char_indices().chain([(text.len(), '\n')]) {
        // A digit that belongs to a word, as in "maju77", begins no number.
        let begins = (letter == '+' || letter.is_ascii_digit()) && !letter_before;
        match &mut run {
            Some(run) if letter.is_ascii_digit() => (run.end, digits) = (at + 1, digits + 1),
            Some(_) if matches!(letter, ' ' | '-' | '(' | ')' | '.' | '/') => {}
            None if begins => (run, digits) = (Some(at..at + 1), usize::from(letter.is_ascii_digit())),
            _ => {
                // What a letter follows at once is a word again.
                let ended = run.take().filter(|run| digits >= digits_min && !(letter.is_alphanumeric() && run.end == at));
                found.extend(ended);
            }
        }
        letter_before = letter.is_alphanumeric();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_initials_are_one() {
        assert_eq!(words("P.T. Café-Ülük, Tbk."), ["pt", "cafe", "uluk", "tbk"]);
        assert_eq!(words("maju.abadi12@toko.example"), ["maju", "abadi12", "toko", "example"]);
        assert_eq!(name_words("PT Sumber Jaya Tbk"), ["sumber", "jaya"]);
        assert_eq!(name_words("Toko"), ["toko"]);
    }

    #[test]
    fn a_phone_number_is_one_word_in_any_spelling() {
        for spelling in ["+62 812-3456-7890", "0812 3456 7890", "6281234567890", "(0812) 3456.7890", "0062 812 3456 7890"] {
            assert_eq!(words(&format!("Pak Budi {spelling}, pagi")), ["pak", "budi", "81234567890", "pagi"], "{spelling}");
        }
        assert_eq!(words("JKT-00012 Jl. Merdeka 7"), ["jkt", "00012", "jl", "merdeka", "7"]);
    }

    #[test]
    fn what_may_be_the_begin_of_a_phone_number_is_read_twice() {
        assert_eq!(readings("+62 812"), [vec!["62", "812"], vec!["812"]]);
        assert_eq!(readings("0812-34"), [vec!["0812", "34"], vec!["81234"]]);
        assert_eq!(readings("budi 0812"), [vec!["budi", "0812"], vec!["budi", "812"]]);
        assert_eq!(readings("maju77 b2"), [vec!["maju77", "b2"]]);
        assert!(readings(" - ").is_empty());
    }
}
