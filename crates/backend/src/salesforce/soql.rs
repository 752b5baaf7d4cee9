//! Text in SOQL.

/// A string literal. Backslash and quote are what ends or bends one; line breaks and tabs must be written as escapes.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// `FIELD IN ('a', 'b')`.
pub fn is_in<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.into_iter().map(quote).collect();
    format!("{field} IN ({})", values.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quote_can_t_end_the_literal() {
        assert_eq!(quote("O'Brien\\"), r"'O\'Brien\\'");
        assert_eq!(quote("a\nb\u{0}"), r"'a\nb'");
        assert_eq!(is_in("Email", ["a@x", "b'@x"]), r"Email IN ('a@x', 'b\'@x')");
    }

    proptest! {
        #[test]
        fn whatever_the_text_only_the_last_quote_is_bare(text in ".*") {
            let literal = quote(&text);
            let (mut escaped, mut bare) = (false, 0);
            for c in literal.chars() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '\'' => bare += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(bare, 2);
            prop_assert!(!escaped);
        }
    }
}
