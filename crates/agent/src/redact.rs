//! Text that leaves the app for somebody who helps: addresses are shortened.

/// The text with each email address as `k…@encom.com`: enough to tell two apart, too little to write to somebody.
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        let start =
            before.char_indices().rev().take_while(|(_, c)| is_local(*c)).last().map_or(at, |(i, _)| i);
        let (kept, local) = before.split_at(start);
        out.push_str(kept);
        let is_address = after.chars().nth(1).is_some_and(char::is_alphanumeric);
        match local.chars().next().filter(|_| is_address) {
            Some(first) => {
                out.push(first);
                out.push('…');
            }
            None => out.push_str(local),
        }
        out.push('@');
        rest = after.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-=?^_`{|}~.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn addresses_are_shortened_and_everything_else_stays() {
        for (text, expected) in [
            ("rep@sales.example did", "r…@sales.example did"),
            ("<flynn+x@encom.com>, ü.ö@b.de", "<f…@encom.com>, ü…@b.de"),
            ("user rep@a.example/b@c.example", "user r…@a.example/b…@c.example"),
            ("lone @ and @here", "lone @ and @here"),
            ("no address", "no address"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }
}
