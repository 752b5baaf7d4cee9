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
