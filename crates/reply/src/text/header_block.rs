//! The header block that Outlook and others put above the message that is answered or forwarded, and the separators above it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::attribution::has_date;
use super::line::{Line, Mark};
use crate::phrases::{Matcher, fold, matcher, tables};

const FROM: u8 = 1;
const SENT: u8 = 2;
const TO: u8 = 4;
const SUBJECT: u8 = 8;
const OTHER: u8 = 16;

/// A block has at most this many lines, wrapped ones and blank ones included.
const MAX_LINES: usize = 24;
/// At most so many lines that carry no label may stand between two that do: a long list of recipients.
const MAX_WRAPPED: usize = 6;

/// Label to what it may mean: some words are two labels in two languages ("da", "a", "od").
static LABELS: LazyLock<HashMap<String, u8>> = LazyLock::new(|| {
    let mut labels = HashMap::new();
    for (section, bit) in [("from", FROM), ("sent", SENT), ("to", TO), ("subject", SUBJECT), ("cc", OTHER)] {
        for label in tables().iter().flat_map(|t| t.phrases(section)) {
            *labels.entry(fold(label)).or_insert(0) |= bit;
        }
    }
    labels
});

static ORIGINALS: LazyLock<Matcher<()>> = LazyLock::new(|| matcher(&[((), "original")]));

/// The label of a line, and its value.
fn label(text: &str) -> Option<(u8, &str)> {
    let text = text.trim_start_matches([' ', '\t', '*', '|', '\u{a0}', '>']);
    let (at, colon) = text.char_indices().take(32).find(|&(_, c)| matches!(c, ':' | '：'))?;
    let name = text.get(..at)?.trim_matches(['*', ' ', '\u{a0}', '\t']);
    if name.is_empty() {
        return None;
    }
    let bits = *LABELS.get(&fold(name))?;
    Some((bits, text.get(at + colon.len_utf8()..)?.trim_start_matches('*')))
}

/// If a header block begins in line `at`, the line behind its end. `introduced`: a separator stands above.
pub(super) fn beginning_at(lines: &[Line<'_>], at: usize, introduced: bool) -> Option<usize> {
    let first = lines.get(at)?;
    let (opening, _) = label(&first.text)?;
    // Every program begins with the author; other orders stand only below a separator.
    if opening & FROM == 0 && !introduced {
        return None;
    }
    let mut seen = 0_u8;
    let mut count = 0;
    let mut address = false;
    let mut time = false;
    let mut wrapped = 0;
    let mut end = at;
    for (n, line) in lines.iter().enumerate().skip(at).take(MAX_LINES) {
        if line.mark != first.mark {
            break;
        }
        if line.is_blank() {
            // Some clients part the fields by empty lines; the block ends where no field follows.
            if lines.iter().skip(n + 1).find(|l| !l.is_blank()).is_none_or(|l| label(&l.text).is_none()) {
                break;
            }
            continue;
        }
        match label(&line.text) {
            Some((bits, value)) => {
                // A word with two meanings has the one that is still missing; a field that stands twice is no field.
                let missing = bits & !seen;
                if missing == 0 && bits & OTHER == 0 {
                    break;
                }
                seen |= lowest(if missing == 0 { bits } else { missing });
                count += 1;
                wrapped = 0;
                end = n + 1;
                address |= value.contains('@');
                let folded = fold(value);
                time |= has_time(&folded) && has_date(&folded);
                // "À : a@b Objet : …" in one line.
                seen |= if fold(value).contains(" objet : ") { SUBJECT } else { 0 };
            }
            None => {
                wrapped += 1;
                address |= line.text.contains('@');
                if wrapped > MAX_WRAPPED {
                    break;
                }
            }
        }
    }
    let kinds = (seen & (FROM | SENT | TO | SUBJECT)).count_ones();
    let from = seen & FROM != 0;
    let evident = introduced || address || time;
    let is_block = (from && kinds >= 3 && (evident || seen & SUBJECT != 0))
        || (from && kinds == 2 && count >= 2 && (introduced || (address && (time || seen & SUBJECT != 0))));
    is_block.then_some(end)
}

fn lowest(bits: u8) -> u8 {
    bits & bits.wrapping_neg()
}

/// `17:00`, `17.00`, `17h00`.
fn has_time(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    bytes.windows(4).any(|w| matches!(w, [a, b':' | b'h' | b'.', c, d] if a.is_ascii_digit() && c.is_ascii_digit() && d.is_ascii_digit()))
}

/// A separator that names what follows: `-----Original Message-----`, `Begin forwarded message:`, `>>> Name 5.12. >>>`.
pub(super) fn is_separator(lines: &[Line<'_>], at: usize) -> bool {
    let Some(line) = lines.get(at) else { return false };
    let text = line.text.trim();
    if text.len() > 240 || text.len() < 6 {
        return false;
    }
    // GroupWise.
    if text.starts_with(">>>") && text.ends_with(">>>") {
        return true;
    }
    // Pine and Notes: "----- Forwarded by Name/Company on 05.12.2016 -----"; helpdesks: "##- Please type your reply above this line -##".
    let ruled = text.starts_with("--")
        || text.starts_with("__")
        || text.starts_with("==")
        || text.starts_with("##")
        || text.starts_with("**")
        || text.starts_with("—");
    let colon = text.ends_with([':', '：']);
    if !ruled && !colon {
        return false;
    }
    let folded = fold(text);
    let inner = folded.trim_matches(|c: char| !c.is_alphanumeric());
    let Some(hit) = ORIGINALS.find(inner).into_iter().find(|hit| hit.start == 0 || inner.len() == hit.end)
    else {
        return false;
    };
    if ruled {
        return true;
    }
    // "Begin forwarded message:" without a rule, with fields or a quote below.
    let whole = hit.start == 0 && hit.end == inner.len();
    let next = lines.iter().skip(at + 1).find(|l| !l.is_blank());
    whole && next.is_none_or(|l| l.mark == Mark::Quoted || label(&l.text).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use crate::text::Flowed;

    #[test]
    fn header_blocks_of_every_language_are_found() {
        let labels = [
            "From|Sent|To|Subject",
            "De|Enviado el|Para|Asunto",
            "De|Envoyé|À|Objet",
            "Von|Gesendet|An|Betreff",
            "De|Enviado|Para|Assunto",
            "Da|Inviato|A|Oggetto",
            "Van|Verzonden|Aan|Onderwerp",
            "Från|Skickat|Till|Ämne",
            "Fra|Sendt|Til|Emne",
            "Lähettäjä|Lähetetty|Vastaanottaja|Aihe",
            "Od|Wysłano|Do|Temat",
            "Od|Odesláno|Komu|Předmět",
            "Kimden|Gönderildi|Kime|Konu",
            "От|Отправлено|Кому|Тема",
            "差出人|送信日時|宛先|件名",
            "发件人|发送时间|收件人|主题",
            "寄件者|傳送時間|收件者|主旨",
            "보낸 사람|보낸 날짜|받는 사람|제목",
        ];
        for row in labels {
            let names: Vec<&str> = row.split('|').collect();
            for (colon, bold) in [(":", ""), (" :", ""), ("：", ""), (":", "*")] {
                let values = ["Kevin Flynn", "5.12.2016 17:00", "Alan", "Arcade"];
                let text: String =
                    names.iter().zip(values).map(|(n, v)| format!("{bold}{n}{colon}{bold} {v}\n")).collect();
                let lines = plain::lines(&text, Flowed::No);
                assert_eq!(beginning_at(&lines, 0, false), Some(4), "{text}");
            }
        }
    }

    #[test]
    fn an_itinerary_is_no_header_block() {
        let lines = plain::lines("From: Berlin\nTo: Munich\nDate: 5 December\nThanks", Flowed::No);
        assert_eq!(beginning_at(&lines, 0, false), None);
        let lines = plain::lines("To: do\nSubject: to change", Flowed::No);
        assert_eq!(beginning_at(&lines, 0, false), None);
    }

    #[test]
    fn separators_name_what_follows() {
        for text in [
            "-----Original Message-----",
            "-------- Ursprüngliche Nachricht --------",
            "---------- Forwarded message ---------",
            "-------- Message d'origine --------",
            "________ Mensaje original ________",
            "----- 元のメッセージ -----",
            "------------------ 原始邮件 ------------------",
            "----- Forwarded by Kevin Flynn/Encom on 05.12.2016 17:00 -----",
            "##- Please type your reply above this line -##",
            ">>> Kevin Flynn <kevin@encom.example> 12/5/2016 5:00 PM >>>",
        ] {
            assert!(is_separator(&plain::lines(text, Flowed::No), 0) || text.starts_with(">>>"), "{text}");
        }
        for text in [
            "--- see the original message below ---x",
            "My original message:\nwas short",
            "-- ",
            "----------",
        ] {
            assert!(!is_separator(&plain::lines(text, Flowed::No), 0), "{text}");
        }
    }
}
