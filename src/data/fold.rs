//! Text as sorting, conditions and search compare it: without case and without accents.
//!
//! A letter is decomposed as Unicode Standard Annex 15 has it (canonical, by the crate `unicode-normalization`), loses its marks, and
//! is made lower case letter by letter: so what a text begins with is what its folded form begins with.

use std::cmp::Ordering;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Text without case and accents.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        decompose_canonical(letter, |part| {
            if !is_combining_mark(part) {
                folded.extend(part.to_lowercase());
            }
        });
    }
    folded
}

/// How a text, folded, stands to one that is folded already. Most text is ASCII, and then nothing is copied.
#[must_use]
pub fn order_folded(text: &str, folded: &str) -> Ordering {
    if text.is_ascii() {
        return text.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(folded.bytes());
    }
    fold(text).as_str().cmp(folded)
}

/// Whether a text, folded, begins with one that is folded already.
#[must_use]
pub fn begins_folded(text: &str, folded: &str) -> bool {
    if text.is_ascii() {
        let begin = text.as_bytes().get(..folded.len());
        return begin.is_some_and(|begin| begin.eq_ignore_ascii_case(folded.as_bytes()));
    }
    fold(text).starts_with(folded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_and_accents_do_not_count() {
        for (text, folded) in [("Café Ülük", "cafe uluk"), ("Cafe\u{301}", "cafe"), ("İstanbul", "istanbul"), ("ΣΑΣ", "σασ")]
        {
            assert_eq!(fold(text), folded);
        }
        assert_eq!(fold("Đà Nẵng"), "đa nang", "a letter of its own stays one");
    }

    proptest! {
        #[test]
        fn quick_and_slow_agree(text in "\\PC{0,12}|[a-zA-ZéÉüÅ ]{0,12}", other in "[a-zA-Zéü]{0,4}") {
            let (folded, other) = (fold(&text), fold(&other));
            prop_assert_eq!(order_folded(&text, &other), folded.cmp(&other));
            prop_assert_eq!(begins_folded(&text, &other), folded.starts_with(&other));
        }

        #[test]
        fn folding_twice_is_folding_once_and_goes_letter_by_letter(a in "\\PC{0,12}", b in "\\PC{0,12}") {
            prop_assert_eq!(fold(&fold(&a)), fold(&a));
            prop_assert_eq!(fold(&format!("{a}{b}")), format!("{}{}", fold(&a), fold(&b)));
        }
    }
}
