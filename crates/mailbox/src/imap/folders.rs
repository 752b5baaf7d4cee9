//! Which folders there are, and what each is for.

use std::borrow::Cow;

use super::response::ListRow;
use super::utf7;
use crate::{Folder, FolderRole};

/// A folder of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) folder: Folder,
    /// Its name as the server wants it.
    pub(crate) wire: Vec<u8>,
}

/// Makes a folder of a LIST response; `None` where it can't be opened (`\Noselect`, `\NonExistent`).
pub(crate) fn listed(row: &ListRow<'_>) -> Option<Listed> {
    let has = |attribute: &str| row.attributes.iter().any(|a| a.eq_ignore_ascii_case(attribute));
    if has("\\Noselect") || has("\\NonExistent") {
        return None;
    }
    let mut name = utf7::decode(&row.name);
    // INBOX is the one name that is the same in any case (RFC 9051 §5.1).
    let is_inbox = name.eq_ignore_ascii_case("INBOX") || has("\\Inbox");
    if name.eq_ignore_ascii_case("INBOX") {
        name = "INBOX".to_owned();
    }
    let role = if is_inbox {
        FolderRole::Inbox
    } else {
        special_use(row).unwrap_or_else(|| by_name(&name, row.delimiter))
    };
    Some(Listed { folder: Folder { name, role }, wire: Cow::into_owned(row.name.clone()) })
}

/// The folder that every mailbox has.
pub(crate) fn inbox() -> Listed {
    Listed { folder: Folder { name: "INBOX".to_owned(), role: FolderRole::Inbox }, wire: b"INBOX".to_vec() }
}

/// RFC 6154, and XLIST's older words, which Exchange still sends in LIST.
fn special_use(row: &ListRow<'_>) -> Option<FolderRole> {
    row.attributes.iter().find_map(|attribute| {
        Some(match attribute.to_ascii_lowercase().as_str() {
            "\\sent" => FolderRole::Sent,
            "\\junk" | "\\spam" => FolderRole::Junk,
            "\\trash" => FolderRole::Trash,
            "\\archive" => FolderRole::Archive,
            "\\all" | "\\allmail" => FolderRole::All,
            "\\drafts" => FolderRole::Drafts,
            _ => return None,
        })
    })
}

/// What mail programs and providers call these folders, in lower case. Only a top-level folder, or one right below
/// INBOX (Courier, Cyrus), is meant by its name.
const NAMES: &[(FolderRole, &[&str])] = &[
    (
        FolderRole::Sent,
        &[
            "sent",
            "sent items",
            "sent mail",
            "sent messages",
            "enviados",
            "elementos enviados",
            "mensajes enviados",
            "envoyés",
            "messages envoyés",
            "éléments envoyés",
            "gesendet",
            "gesendete elemente",
            "gesendete objekte",
            "itens enviados",
            "inviati",
            "posta inviata",
            "elementi inviati",
            "verzonden",
            "verzonden items",
            "skickat",
            "skickade",
            "sendt",
            "sendte elementer",
            "lähetetyt",
            "wysłane",
            "elementy wysłane",
            "odeslané",
            "odeslaná pošta",
            "gönderilmiş öğeler",
            "gönderilenler",
            "отправленные",
            "送信済み",
            "送信済みアイテム",
            "已发送",
            "已发送邮件",
            "寄件備份",
            "보낸 편지함",
            "보낸편지함",
        ],
    ),
    (
        FolderRole::Junk,
        &[
            "junk",
            "junk email",
            "junk e-mail",
            "junk mail",
            "spam",
            "bulk mail",
            "bulk",
            "correo no deseado",
            "courrier indésirable",
            "indésirables",
            "junk-e-mail",
            "spamverdacht",
            "unerwünscht",
            "lixo eletrônico",
            "posta indesiderata",
            "ongewenste e-mail",
            "skräppost",
            "søppelpost",
            "uønsket e-mail",
            "roskaposti",
            "wiadomości-śmieci",
            "nevyžádaná pošta",
            "gereksiz",
            "спам",
            "迷惑メール",
            "垃圾邮件",
            "垃圾郵件",
            "스팸",
            "정크 메일",
        ],
    ),
    (
        FolderRole::Trash,
        &[
            "trash",
            "deleted items",
            "deleted messages",
            "deleted",
            "bin",
            "papelera",
            "elementos eliminados",
            "corbeille",
            "éléments supprimés",
            "papierkorb",
            "gelöschte elemente",
            "gelöscht",
            "lixeira",
            "itens excluídos",
            "cestino",
            "posta eliminata",
            "prullenbak",
            "verwijderde items",
            "papperskorgen",
            "borttaget",
            "slettede elementer",
            "slettet post",
            "roskakori",
            "poistetut",
            "kosz",
            "elementy usunięte",
            "koš",
            "odstraněná pošta",
            "çöp kutusu",
            "silinmiş öğeler",
            "корзина",
            "удаленные",
            "ゴミ箱",
            "削除済みアイテム",
            "已删除",
            "已删除邮件",
            "刪除的郵件",
            "휴지통",
            "지운 편지함",
        ],
    ),
    (
        FolderRole::Drafts,
        &[
            "drafts",
            "draft",
            "borradores",
            "brouillons",
            "entwürfe",
            "rascunhos",
            "bozze",
            "concepten",
            "utkast",
            "kladder",
            "luonnokset",
            "szkice",
            "wersje robocze",
            "koncepty",
            "rozepsané",
            "taslaklar",
            "черновики",
            "下書き",
            "草稿",
            "草稿箱",
            "임시 보관함",
            "임시보관함",
        ],
    ),
    (
        FolderRole::Archive,
        &[
            "archive",
            "archives",
            "archived",
            "archivo",
            "archiv",
            "arquivo",
            "archivio",
            "archief",
            "arkiv",
            "arkisto",
            "archiwum",
            "archív",
            "arşiv",
            "архив",
            "アーカイブ",
            "归档",
            "存档",
            "封存",
            "보관함",
        ],
    ),
];

fn by_name(name: &str, delimiter: Option<u8>) -> FolderRole {
    let name = name.to_lowercase();
    let delimiter = delimiter.map(char::from);
    let below_inbox = delimiter.and_then(|d| name.strip_prefix("inbox")?.strip_prefix(d));
    let name = below_inbox.unwrap_or(&name);
    NAMES.iter().find(|(_, names)| names.contains(&name)).map_or(FolderRole::Other, |(role, _)| *role)
}

#[cfg(test)]
mod tests {
    use super::super::response::{Response, Untagged, parse};
    use super::*;

    fn role(line: &str) -> Option<(String, FolderRole)> {
        match parse(format!("* LIST {line}\r\n").as_bytes()) {
            Response::Untagged(Untagged::List(row)) => listed(&row).map(|l| (l.folder.name, l.folder.role)),
            other => panic!("{line:?} gave {other:?}"),
        }
    }

    #[test]
    fn a_folders_role_is_its_special_use_or_else_its_known_name() {
        for (line, name, expected) in [
            (r#"() "/" inbox"#, "INBOX", FolderRole::Inbox),
            (r#"(\HasNoChildren \Sent) "/" "Anything""#, "Anything", FolderRole::Sent),
            (r#"(\Trash) "/" "Gel&APY-schte Elemente""#, "Gelöschte Elemente", FolderRole::Trash),
            (r#"() "." INBOX.Sent"#, "INBOX.Sent", FolderRole::Sent),
            (r#"() "/" "Entw&APw-rfe""#, "Entwürfe", FolderRole::Drafts),
            (r#"() "/" "&j,dg0TDhMPww6w-""#, "迷惑メール", FolderRole::Junk),
            (r#"() "/" "Customers/Sent""#, "Customers/Sent", FolderRole::Other),
            (r#"(\All) "/" "[Gmail]/All Mail""#, "[Gmail]/All Mail", FolderRole::All),
        ] {
            assert_eq!(role(line), Some((name.to_owned(), expected)), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_opened_is_no_folder() {
        assert_eq!(role(r#"(\Noselect \HasChildren) "/" "[Gmail]""#), None);
        assert_eq!(role(r#"(\NonExistent) "/" "gone""#), None);
    }
}
