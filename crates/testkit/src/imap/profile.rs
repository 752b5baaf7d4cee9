//! How known servers differ: what they offer, and what they get wrong.

/// A server's ways, as data. Sources: the providers' documents and public bug reports, named at each.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What to call it in a test's output.
    pub name: &'static str,
    /// Capabilities before login.
    pub before_login: &'static [&'static str],
    /// Capabilities after login.
    pub after_login: &'static [&'static str],
    /// Whether the LOGIN and AUTHENTICATE answers carry them, or the client must ask again.
    pub capability_in_login: bool,
    /// The folders of a new account, with their special use.
    pub folders: &'static [(&'static str, Option<&'static str>)],
    /// Whether LIST shows special-use attributes.
    pub special_use: bool,
    /// SELECT and EXAMINE are refused until the client has sent ID after login.
    pub id_before_select: bool,
    /// Whether SELECT and STATUS tell UIDNEXT.
    pub uid_next: bool,
    /// One FETCH or SEARCH answers for so many messages only (RFC 9738 MESSAGELIMIT).
    pub message_limit: Option<usize>,
    /// STATUS and SEARCH lines end with a blank before the line end.
    pub trailing_blanks: bool,
    /// Folders that LIST shows and that can't be opened.
    pub phantoms: &'static [&'static str],
}

/// Folders as most servers have them.
const COMMON: &[(&str, Option<&str>)] = &[
    ("INBOX", None),
    ("Sent", Some("\\Sent")),
    ("Drafts", Some("\\Drafts")),
    ("Junk", Some("\\Junk")),
    ("Trash", Some("\\Trash")),
    ("Archive", Some("\\Archive")),
];

impl Profile {
    /// A modern server that keeps to the standards.
    pub const STANDARD: Self = Self {
        name: "standard",
        before_login: &["IMAP4rev1", "SASL-IR", "LITERAL+", "ID", "ENABLE", "IDLE", "AUTH=PLAIN"],
        after_login: &[
            "IMAP4rev1",
            "SASL-IR",
            "LITERAL+",
            "ID",
            "ENABLE",
            "IDLE",
            "NAMESPACE",
            "UIDPLUS",
            "UNSELECT",
            "CHILDREN",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "SPECIAL-USE",
            "CONDSTORE",
        ],
        capability_in_login: true,
        folders: COMMON,
        special_use: true,
        id_before_select: false,
        uid_next: true,
        message_limit: None,
        trailing_blanks: false,
        phantoms: &[],
    };

    /// Gmail: All Mail and localisable system folders below `[Gmail]`, no QRESYNC and no LIST-STATUS, X-GM-EXT-1.
    pub const GMAIL: Self = Self {
        name: "gmail",
        before_login: &[
            "IMAP4rev1",
            "UNSELECT",
            "IDLE",
            "NAMESPACE",
            "QUOTA",
            "ID",
            "XLIST",
            "CHILDREN",
            "X-GM-EXT-1",
            "XYZZY",
            "SASL-IR",
            "AUTH=XOAUTH2",
            "AUTH=PLAIN",
            "AUTH=PLAIN-CLIENTTOKEN",
            "AUTH=OAUTHBEARER",
        ],
        after_login: &[
            "IMAP4rev1",
            "UNSELECT",
            "IDLE",
            "NAMESPACE",
            "QUOTA",
            "ID",
            "XLIST",
            "CHILDREN",
            "X-GM-EXT-1",
            "UIDPLUS",
            "COMPRESS=DEFLATE",
            "ENABLE",
            "MOVE",
            "CONDSTORE",
            "ESEARCH",
            "UTF8=ACCEPT",
            "LIST-EXTENDED",
            "LITERAL-",
            "SPECIAL-USE",
            "APPENDLIMIT=35651584",
        ],
        folders: &[
            ("INBOX", None),
            ("[Gmail]", Some("\\Noselect")),
            ("[Gmail]/All Mail", Some("\\All")),
            ("[Gmail]/Drafts", Some("\\Drafts")),
            ("[Gmail]/Important", Some("\\Important")),
            ("[Gmail]/Sent Mail", Some("\\Sent")),
            ("[Gmail]/Spam", Some("\\Junk")),
            ("[Gmail]/Starred", Some("\\Flagged")),
            ("[Gmail]/Trash", Some("\\Trash")),
        ],
        ..Self::STANDARD
    };

    /// Microsoft 365: neither CONDSTORE nor SPECIAL-USE is offered, though LIST shows the attributes; STATUS lines
    /// end with a blank.
    pub const MICROSOFT_365: Self = Self {
        name: "microsoft-365",
        before_login: &[
            "IMAP4",
            "IMAP4rev1",
            "AUTH=PLAIN",
            "AUTH=XOAUTH2",
            "SASL-IR",
            "UIDPLUS",
            "ID",
            "UNSELECT",
            "CHILDREN",
            "IDLE",
            "NAMESPACE",
            "LITERAL+",
        ],
        after_login: &[
            "IMAP4",
            "IMAP4rev1",
            "AUTH=PLAIN",
            "AUTH=XOAUTH2",
            "SASL-IR",
            "UIDPLUS",
            "MOVE",
            "ID",
            "UNSELECT",
            "CLIENTACCESSRULES",
            "CLIENTNETWORKPRESENCELOCATION",
            "BACKENDAUTHENTICATE",
            "CHILDREN",
            "IDLE",
            "NAMESPACE",
            "LITERAL+",
        ],
        capability_in_login: false,
        folders: &[
            ("INBOX", None),
            ("Archive", None),
            ("Deleted Items", Some("\\Trash")),
            ("Drafts", Some("\\Drafts")),
            ("Junk Email", Some("\\Junk")),
            ("Sent Items", Some("\\Sent")),
        ],
        trailing_blanks: true,
        ..Self::STANDARD
    };

    /// Yahoo: no IDLE, and one command answers for 1,000 messages at most.
    pub const YAHOO: Self = Self {
        name: "yahoo",
        before_login: &["IMAP4rev1", "SASL-IR", "AUTH=PLAIN", "AUTH=OAUTHBEARER", "ID", "MOVE", "NAMESPACE"],
        after_login: &[
            "IMAP4rev1",
            "ID",
            "MOVE",
            "NAMESPACE",
            "UIDPLUS",
            "LITERAL+",
            "CHILDREN",
            "UNSELECT",
            "OBJECTID",
            "CONDSTORE",
            "ENABLE",
            "PARTIAL",
            "MESSAGELIMIT=1000",
            "SPECIAL-USE",
        ],
        folders: &[
            ("INBOX", None),
            ("Archive", Some("\\Archive")),
            ("Bulk", Some("\\Junk")),
            ("Draft", Some("\\Drafts")),
            ("Sent", Some("\\Sent")),
            ("Trash", Some("\\Trash")),
        ],
        message_limit: Some(1000),
        trailing_blanks: true,
        ..Self::STANDARD
    };

    /// iCloud: capabilities only when asked for them, no special use, folders of other programs that are listed and can't
    /// be opened (SwiftMail#30). Capabilities are from MailKit#970.
    pub const ICLOUD: Self = Self {
        name: "icloud",
        before_login: &[
            "XAPPLEPUSHSERVICE",
            "IMAP4",
            "IMAP4rev1",
            "SASL-IR",
            "AUTH=ATOKEN",
            "AUTH=PLAIN",
            "AUTH=ATOKEN2",
            "AUTH=XOAUTH2",
        ],
        after_login: &[
            "XAPPLEPUSHSERVICE",
            "IMAP4",
            "IMAP4rev1",
            "ACL",
            "RIGHTS=tekx",
            "CONDSTORE",
            "ENABLE",
            "QRESYNC",
            "QUOTA",
            "NAMESPACE",
            "UIDPLUS",
            "CHILDREN",
            "BINARY",
            "UNSELECT",
            "SORT",
            "CATENATE",
            "URLAUTH",
            "LANGUAGE",
            "ESEARCH",
            "ESORT",
            "THREAD=ORDEREDSUBJECT",
            "THREAD=REFERENCES",
            "CONTEXT=SEARCH",
            "CONTEXT=SORT",
            "WITHIN",
            "SASL-IR",
            "SEARCHRES",
            "METADATA",
            "ID",
            "IDLE",
        ],
        capability_in_login: false,
        folders: &[
            ("INBOX", None),
            ("Archive", None),
            ("Deleted Messages", None),
            ("Drafts", None),
            ("Junk", None),
            ("Sent Messages", None),
        ],
        special_use: false,
        phantoms: &["Notes"],
        ..Self::STANDARD
    };

    /// NetEase (163, 126): refuses SELECT with "Unsafe Login" before ID, leaves UIDNEXT out, knows no IDLE.
    pub const NETEASE: Self = Self {
        name: "netease",
        before_login: &[
            "IMAP4rev1",
            "XLIST",
            "SPECIAL-USE",
            "ID",
            "LITERAL+",
            "STARTTLS",
            "APPENDLIMIT=71680000",
            "XAPPLEPUSHSERVICE",
            "UIDPLUS",
            "X-CM-EXT-1",
            "SASL-IR",
            "AUTH=PLAIN",
        ],
        after_login: &[
            "IMAP4rev1",
            "XLIST",
            "SPECIAL-USE",
            "ID",
            "LITERAL+",
            "APPENDLIMIT=71680000",
            "XAPPLEPUSHSERVICE",
            "UIDPLUS",
            "X-CM-EXT-1",
        ],
        capability_in_login: false,
        folders: &[
            ("INBOX", None),
            ("草稿箱", Some("\\Drafts")),
            ("已发送", Some("\\Sent")),
            ("已删除", Some("\\Trash")),
            ("垃圾邮件", Some("\\Junk")),
        ],
        id_before_select: true,
        uid_next: false,
        ..Self::STANDARD
    };

    /// Every profile.
    pub const ALL: &[Self] =
        &[Self::STANDARD, Self::GMAIL, Self::MICROSOFT_365, Self::YAHOO, Self::ICLOUD, Self::NETEASE];

    /// Whether a capability is offered after login.
    pub fn offers(&self, capability: &str) -> bool {
        self.after_login.contains(&capability)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::STANDARD
    }
}
