//! What stands below the author's words: signatures, "Sent from my phone", legal footers; and gateways' banners above.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::head;
use super::line::{Line, Mark};
use crate::phrases::{Matcher, fold, matcher, tables};

/// A block of name and addresses is not longer than this many lines.
const MAX_BLOCK: usize = 24;
/// Lines of such a block are not longer than this many characters.
const MAX_LINE: usize = 100;

fn whole(section: &'static str) -> HashSet<String> {
    tables().iter().flat_map(|t| t.phrases(section)).map(|phrase| bare(&fold(phrase)).to_owned()).collect()
}

static VALEDICTIONS: LazyLock<HashSet<String>> = LazyLock::new(|| whole("valediction"));
static THANKS: LazyLock<HashSet<String>> = LazyLock::new(|| whole("thanks"));
static SENT_FROM: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "sent-from")]));
static DISCLAIMERS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "disclaimer")]));
static BANNERS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "banner")]));

/// Without the punctuation around it.
fn bare(folded: &str) -> &str {
    folded.trim_matches(|c: char| !c.is_alphanumeric() && c != ')')
}

/// Drops the signature and the footers at the end of a section of the author's lines, which a quote or the end follows.
pub(super) fn drop_end(section: &mut [Line<'_>]) {
    if let Some(cut) =
        [delimiter(section), sent_from(section), disclaimer(section)].into_iter().flatten().min()
    {
        drop_from(section, cut);
    }
    if let Some(cut) = closing(section).or_else(|| dashed_name(section)).or_else(|| contact_block(section)) {
        drop_from(section, cut);
    }
    // A rule that now parts nothing.
    while let Some(last) = section.iter().rposition(|line| line.is_own() && !line.is_blank()) {
        match section.get_mut(last) {
            Some(line) if line.is_rule() => line.mark = Mark::Dropped,
            _ => break,
        }
    }
}

/// Drops what mail gateways put above a message from outside.
pub(super) fn drop_banner(lines: &mut [Line<'_>]) {
    let mut at = 0;
    for _ in 0..3 {
        let Some(start) =
            lines.iter().skip(at).position(|line| line.is_own() && !line.is_blank()).map(|n| n + at)
        else {
            return;
        };
        let end = banner_end(lines, start);
        let paragraph: String =
            lines.get(start..end).unwrap_or_default().iter().flat_map(|l| [l.text.as_ref(), " "]).collect();
        let banner =
            paragraph.len() < 1_000 && BANNERS.first(&fold(&paragraph)).is_some_and(|hit| hit.start < 120);
        let rule = lines.get(start).is_some_and(Line::is_rule);
        if !banner && !rule {
            return;
        }
        if banner {
            for line in lines.get_mut(start..end).unwrap_or_default() {
                line.mark = Mark::Dropped;
            }
            // "[EXTERNAL]" in the same line as the author's words is a matter of the gateway; the words stay.
        }
        at = end;
    }
}

/// Behind the paragraph, or, where markup gives the author's words no empty line above, behind the banner's last sentence.
fn banner_end(lines: &[Line<'_>], start: usize) -> usize {
    let end = paragraph_end(lines, start).min(start + 8);
    let banner = |at: usize| lines.get(at).is_some_and(|line| BANNERS.first(&line.folded()).is_some());
    let Some(last) = (start..end).rev().find(|&at| banner(at)) else { return end };
    // A short line, a full stop, or the banner's own last words.
    let ended = |at: usize| {
        lines.get(at).is_some_and(|line| {
            let folded = line.folded();
            line.text.len() < 50
                || line.text.ends_with(['.', '!', '?', ':', ']', '>', '。'])
                || BANNERS.find(&folded).iter().any(|hit| hit.end == folded.len())
        })
    };
    (last..end).find(|&at| ended(at)).map_or(end, |at| at + 1)
}

fn drop_from(section: &mut [Line<'_>], cut: usize) {
    let mut kept = false;
    for line in section.iter_mut().skip(cut) {
        // An afterthought below the signature is the author's.
        let folded = line.text.trim().get(..5).map(fold).unwrap_or_default();
        if ["ps:", "p.s.", "ps.", "p.s:", "ps -", "p.d.", "p.d:", "pd:"]
            .iter()
            .any(|mark| folded.starts_with(mark))
        {
            kept = true;
        }
        if line.is_blank() {
            kept = false;
        }
        if !kept && line.is_own() {
            line.mark = Mark::Dropped;
        }
    }
}

/// RFC 3676 §4.3: `-- `. Many clients lose its blank; some write a long dash.
fn delimiter(section: &[Line<'_>]) -> Option<usize> {
    section.iter().position(|line| {
        line.is_own()
            && matches!(
                line.text.as_ref(),
                "-- " | "--" | "—" | "— " | "-- \u{a0}" | "-----BEGIN PGP SIGNATURE-----"
            )
    })
}

/// "Sent from my iPhone", "Get Outlook for iOS<…>", "Von meinem iPhone gesendet", "iPhoneから送信".
fn sent_from(section: &[Line<'_>]) -> Option<usize> {
    let own_before = |at: usize| section.iter().take(at).any(|l| l.is_own() && !l.is_blank());
    section.iter().enumerate().find_map(|(at, line)| {
        let text = line.text.trim();
        if !line.is_own() || text.is_empty() || text.len() > 240 {
            return None;
        }
        // Within a paragraph of the author's it is a sentence.
        let above = at.checked_sub(1).and_then(|up| section.get(up));
        let parted = above.is_none_or(|l| !l.is_own() || l.is_blank() || l.is_rule());
        let last = || section.iter().skip(at + 1).all(|l| !l.is_own() || l.is_blank());
        ((parted && own_before(at) || last()) && is_sent_from(text)).then_some(at)
    })
}

/// Whether the line is a phone's or mail program's advertisement of itself.
pub(super) fn is_sent_from(text: &str) -> bool {
    let folded = fold(text);
    // The link behind the words.
    let words = folded.split(['<', '(']).next().unwrap_or_default();
    let words = words.split("http").next().unwrap_or_default();
    let line = bare(words);
    let count = line.split(' ').filter(|word| !word.is_empty()).count();
    if line.chars().count() > 70 || count > 11 {
        return false;
    }
    SENT_FROM.find(line).into_iter().any(|hit| {
        let rest = line.get(hit.end..).unwrap_or_default();
        let before = line.get(..hit.start).unwrap_or_default();
        // A name and a model may follow ("Sent from my Wiko RIDGE FAB 4G"), a sentence not.
        let follows = rest.split(' ').filter(|word| !word.is_empty()).count();
        let sentence = rest.contains([',', ';', '?', '!'])
            || rest.contains(". ")
            || (follows > 4 && text.trim_end().ends_with('.'));
        (hit.start == 0 && follows <= 6 && !sentence)
            || (hit.end == line.len() && before.split(' ').count() <= 6 && before.chars().count() <= 40)
    })
}

/// A line that is nothing but a valediction ("Best regards,"), with nothing but a signature below.
fn closing(section: &[Line<'_>]) -> Option<usize> {
    // What is longer than a block is none; looking further up would be looking at every line's block.
    let mut own = section.iter().enumerate().rev().filter(|(_, line)| line.is_own() && !line.is_blank());
    let top = own.nth(MAX_BLOCK + 1).map_or(0, |(at, _)| at);
    section.iter().enumerate().skip(top).find_map(|(at, line)| {
        if !line.is_own()
            || line.is_blank()
            || line.text.len() > 120
            || line.text.split_ascii_whitespace().nth(8).is_some()
        {
            return None;
        }
        let folded = line.folded();
        if is_valediction(&folded, &line.text) && is_block(section.get(at + 1..).unwrap_or_default(), 0) {
            return Some(at);
        }
        // "Thanks," is said to the reader and stays, with the name below; an address block under it goes.
        if THANKS.contains(bare(&folded)) {
            let below = section.get(at + 1..).unwrap_or_default();
            let name = below.iter().position(|l| l.is_own() && !l.is_blank())?;
            let rest = below.get(name + 1..).unwrap_or_default();
            let named = below.get(name).is_some_and(|l| is_name(&l.text));
            if named && is_block(rest, 1) {
                return Some(at + 1 + name + 1);
            }
        }
        None
    })
}

/// The whole line, or the line up to a short name: "Kind regards, Kevin".
fn is_valediction(folded: &str, text: &str) -> bool {
    let line = bare(folded);
    if VALEDICTIONS.contains(line) {
        return true;
    }
    let Some((head, tail)) = line.split_once([',', '!', '.', '/', '-']) else { return false };
    let named = || {
        text.split_once([',', '!', '.', '/', '-', '–', '，', '！'])
            .is_some_and(|(_, name)| is_name(name) && name.split_whitespace().count() <= 3)
    };
    (VALEDICTIONS.contains(bare(head)) && (VALEDICTIONS.contains(bare(tail)) || named()))
        || (THANKS.contains(bare(head)) && VALEDICTIONS.contains(bare(tail)))
}

/// `-Kevin` or `— Kevin Flynn` in the last line.
fn dashed_name(section: &[Line<'_>]) -> Option<usize> {
    let last = section.iter().rposition(|line| line.is_own() && !line.is_blank())?;
    let text = section.get(last)?.text.trim();
    let name = text.strip_prefix("--").or_else(|| text.strip_prefix(['-', '–', '—', '~']))?;
    let dash_only = !name.starts_with(' ') || text.starts_with(['—', '–', '~']) || text.starts_with("--");
    let above = section.iter().take(last).rev().find(|line| line.is_own() && !line.is_blank())?;
    let bullet = above.text.trim_start().starts_with(['-', '–', '—', '~']);
    (dash_only && !bullet && is_name(name) && name.split_whitespace().count() <= 3).then_some(last)
}

/// A name with a telephone number, a link or an address under it, at the end of the section.
fn contact_block(section: &[Line<'_>]) -> Option<usize> {
    let mut first = None;
    let mut lines = 0;
    for at in (0..section.len()).rev() {
        let line = section.get(at)?;
        if !line.is_own() {
            break;
        }
        if line.is_blank() {
            continue;
        }
        lines += 1;
        if lines > MAX_BLOCK || line.text.chars().count() > MAX_LINE || is_sentence(line) {
            break;
        }
        let parted = at == 0
            || section
                .get(at - 1)
                .is_some_and(|above| above.is_blank() || above.is_rule() || !above.is_own());
        let own_above = section.iter().take(at).any(|l| l.is_own() && !l.is_blank());
        let rest = section.get(at + 1..).unwrap_or_default();
        // A list's footer is told by its rule, also where it stands alone in a part of its own.
        let begins = (line.is_rule() && is_block(rest, 1))
            || (own_above && parted && is_name(&line.text) && is_block(rest, 1));
        if begins {
            first = Some(at);
        }
    }
    first
}

/// Whether all of the author's lines look like a signature's, with at least so many that say how to reach them.
fn is_block(lines: &[Line<'_>], contacts: usize) -> bool {
    let own = || lines.iter().filter(|line| line.is_own() && !line.is_blank());
    let mut short = own().take_while(|line| !is_disclaimer(&line.text));
    let mut found = 0;
    let mut count = 0;
    let fits = short.by_ref().take(MAX_BLOCK + 1).all(|line| {
        count += 1;
        found += usize::from(is_contact(&line.text));
        let afterthought = line
            .text
            .trim()
            .get(..3)
            .is_some_and(|p| p.eq_ignore_ascii_case("ps:") || p.eq_ignore_ascii_case("p.s"));
        afterthought
            || (line.text.chars().count() <= MAX_LINE && (!is_sentence(line) || is_contact(&line.text)))
    });
    fits && count <= MAX_BLOCK && found >= contacts
}

/// Ends as sentences do and has as many words as sentences have.
fn is_sentence(line: &Line<'_>) -> bool {
    let text = line.text.trim();
    let words = text.split_whitespace().count();
    let ended = text.ends_with(['.', '!', '?', '。', '？', '！', ':', ',', ';']);
    let unspaced = text.chars().count() >= 12 && text.ends_with(['。', '？', '！']);
    (ended && words > 5 && !is_contact(text)) || unspaced || (words > 14 && !is_contact(text))
}

/// One to five words that begin with capitals, or a short word in a script that has none.
fn is_name(text: &str) -> bool {
    let text =
        text.trim().trim_start_matches(['-', '–', '—', '~', '*', ' ']).trim_end_matches([',', '*', ' ', '.']);
    let words: Vec<&str> = text.split_whitespace().collect();
    if text.is_empty()
        || words.len() > 6
        || text.chars().count() > 50
        || text.contains(['?', '!', ':', ';', '@', '/'])
    {
        return false;
    }
    let particle = |word: &str| {
        matches!(
            word,
            "de" | "da"
                | "del"
                | "della"
                | "di"
                | "dos"
                | "van"
                | "von"
                | "der"
                | "den"
                | "la"
                | "le"
                | "bin"
                | "y"
                | "e"
                | "av"
                | "af"
                | "zu"
                | "|"
                | "-"
        )
    };
    let has_case = text.chars().any(|c| c.is_uppercase() || c.is_lowercase());
    if !has_case {
        return text.chars().count() <= 12 && text.chars().all(|c| c.is_alphabetic() || c == ' ');
    }
    words
        .iter()
        .all(|word| particle(word) || word.starts_with(|c: char| c.is_uppercase() || c == '(' || c == '"'))
        && text.starts_with(|c: char| c.is_alphabetic())
}

/// Says how to reach somebody: a telephone number, a link, an address.
fn is_contact(text: &str) -> bool {
    let folded = fold(text);
    if folded.chars().count() > MAX_LINE + 40 {
        return false;
    }
    if folded.contains('@')
        || folded.contains("http://")
        || folded.contains("https://")
        || folded.contains("www.")
    {
        return true;
    }
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    // Seven digits make a local number, but also a date with a time.
    let telephone = letters <= 24 && (digits >= 9 || (digits >= 7 && !folded.contains("20")));
    let label = [
        "tel", "phone", "mobil", "cell", "fax", "m:", "t:", "p:", "o:", "m.", "t.", "f.", "f:", "e:",
        "e-mail", "email", "skype", "web", "linkedin", "telefon", "тел", "電話", "电话", "전화", "携帯",
    ]
    .iter()
    .any(|label| folded.starts_with(label));
    telephone || (label && (digits >= 5 || folded.contains(':')))
}

fn is_disclaimer(text: &str) -> bool {
    text.len() >= 12 && DISCLAIMERS.first(&fold(head(text, 240))).is_some_and(|hit| hit.start < 80)
}

/// Where the legal footer begins: a paragraph that opens with one of its phrases and is not the first.
fn disclaimer(section: &[Line<'_>]) -> Option<usize> {
    let mut at = 0;
    let mut paragraphs = 0;
    while at < section.len() {
        let Some(start) = section.iter().skip(at).position(|l| l.is_own() && !l.is_blank()).map(|n| n + at)
        else {
            break;
        };
        let end = paragraph_end(section, start);
        // A footer may follow the signature's last line without an empty one: each line of a later paragraph may begin it.
        for n in start..end {
            let Some(line) = section.get(n) else { break };
            // Within running text, whose lines are full, it is the author's sentence.
            let below_short = n == start || section.get(n - 1).is_some_and(|above| above.text.len() < 60);
            if (paragraphs > 0 || n > start)
                && below_short
                && is_disclaimer(&line.text)
                && is_footer(section.get(n..).unwrap_or_default())
            {
                return Some(n);
            }
        }
        paragraphs += 1;
        at = end;
    }
    None
}

/// Whether what follows is long enough for a footer and holds no question to the reader.
fn is_footer(lines: &[Line<'_>]) -> bool {
    let own = || lines.iter().filter(|line| line.is_own() && !line.is_blank());
    own().map(|line| line.text.len()).sum::<usize>() >= 40
        && !own().any(|line| line.text.trim_end().ends_with(['?', '？']))
}

fn paragraph_end(lines: &[Line<'_>], start: usize) -> usize {
    lines.iter().skip(start).position(|l| !l.is_own() || l.is_blank()).map_or(lines.len(), |n| n + start)
}
