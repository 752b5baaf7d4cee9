//! The people of the story.

/// Somebody with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The display name.
    pub name: &'static str,
    /// The address.
    pub address: &'static str,
}

impl Person {
    const fn new(name: &'static str, address: &'static str) -> Self {
        Self { name, address }
    }

    /// The same person with another address.
    #[must_use]
    pub const fn at(self, address: &'static str) -> Self {
        Self { address, ..self }
    }

    /// As in a From header.
    pub fn mailbox(&self) -> String {
        format!("\"{}\" <{}>", self.name, self.address)
    }
}

/// The rep whose mailbox is watched.
pub const REP: Person = Person::new("Sam Rivera", "rep@sales.example");
/// A colleague of the rep's.
pub const COLLEAGUE: Person = Person::new("Quorra Lindqvist", "quorra@sales.example");
/// A prospect who owns an arcade.
pub const FLYNN: Person = Person::new("Kevin Flynn", "flynn@flynnsarcade.com");
/// The same person at the address that he answers from.
pub const FLYNN_ELSEWHERE: Person = Person::new("Kevin Flynn", "kevinf@flynnsarcade.com");
/// Copied on the mail to Flynn.
pub const ALAN: Person = Person::new("Alan Bradley", "alan@encom.com");
/// A prospect who is away.
pub const LORA: Person = Person::new("Lora Baines", "lora@laserlab.example");
/// Who stands in for Lora.
pub const ROY: Person = Person::new("Roy Kleinberg", "roy@laserlab.example");
/// A prospect whose address is gone.
pub const GIBBS: Person = Person::new("Walter Gibbs", "gibbs@gridworks.example");
/// A prospect who says nothing.
pub const YORI: Person = Person::new("Yori Tanaka", "yori@lightcycle.example");
/// Somebody who writes newsletters.
pub const NEWSLETTER: Person = Person::new("Arcade Weekly", "news@arcadeweekly.example");
/// A friend of the rep's who writes about lunch.
pub const FRIEND: Person = Person::new("Mary Ostrander", "mary@home.example");
/// The mail system that reports bounces.
pub const MAILER_DAEMON: Person = Person::new("Mail Delivery System", "MAILER-DAEMON@mx.sales.example");

/// Who plays in the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// See [`REP`].
    pub rep: Person,
    /// See [`FLYNN`].
    pub flynn: Person,
    /// See [`FLYNN_ELSEWHERE`].
    pub flynn_elsewhere: Person,
    /// See [`ALAN`].
    pub alan: Person,
    /// See [`LORA`].
    pub lora: Person,
    /// See [`NEWSLETTER`].
    pub newsletter: Person,
    /// See [`FRIEND`].
    pub friend: Person,
    /// See [`MAILER_DAEMON`].
    pub mailer_daemon: Person,
}

impl Cast {
    /// The people of the story.
    pub const STORY: Self = Self {
        rep: REP,
        flynn: FLYNN,
        flynn_elsewhere: FLYNN_ELSEWHERE,
        alan: ALAN,
        lora: LORA,
        newsletter: NEWSLETTER,
        friend: FRIEND,
        mailer_daemon: MAILER_DAEMON,
    };

    /// Everybody who writes to the rep at `rep` does so from `sender`. Alan does only where Flynn doesn't have to be
    /// told from him.
    pub const fn writing_from(sender: &'static str, rep: &'static str, alan_writes: bool) -> Self {
        Self {
            rep: REP.at(rep),
            flynn: FLYNN.at("flynn@arcade.example"),
            flynn_elsewhere: FLYNN_ELSEWHERE.at(sender),
            alan: ALAN.at(if alan_writes { sender } else { "alan@encom.example" }),
            lora: LORA.at(sender),
            newsletter: NEWSLETTER.at(sender),
            friend: FRIEND.at(sender),
            mailer_daemon: MAILER_DAEMON.at(sender),
        }
    }
}
