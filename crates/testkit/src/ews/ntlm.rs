//! A server's half of NTLMv2, written from [MS-NLMP] and independent of what the agent signs in with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::Md4;
use md5::{Digest as _, Md5};

/// The NetBIOS name of the domain.
pub(super) const DOMAIN: &str = "SALES";

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// An answer that is older is none (3.2.5.1.2).
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

// NegotiateFlags (2.2.2.5)
const UNICODE: u32 = 0x1;
const REQUEST_TARGET: u32 = 0x4;
const SIGN: u32 = 0x10;
const SEAL: u32 = 0x20;
const NTLM: u32 = 0x200;
const ALWAYS_SIGN: u32 = 0x8000;
const TARGET_IS_DOMAIN: u32 = 0x1_0000;
const EXTENDED_SESSION_SECURITY: u32 = 0x8_0000;
const TARGET_INFO: u32 = 0x80_0000;
const VERSION: u32 = 0x200_0000;
const BITS_128: u32 = 0x2000_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;
const BITS_56: u32 = 0x8000_0000;

// AvId (2.2.2.1)
const NETBIOS_COMPUTER: u16 = 1;
const NETBIOS_DOMAIN: u16 = 2;
const DNS_COMPUTER: u16 = 3;
const DNS_DOMAIN: u16 = 4;
const FLAGS: u16 = 6;
const TIMESTAMP: u16 = 7;
const CHANNEL_BINDINGS: u16 = 10;

/// How far the sign-in on one connection has come.
#[derive(Debug, Default)]
pub(super) enum Stage {
    #[default]
    Stranger,
    Challenged(Challenge),
    SignedIn,
}

/// A challenge that was given, and the message before it.
#[derive(Debug)]
pub(super) struct Challenge {
    negotiate: Vec<u8>,
    pub(super) message: Vec<u8>,
    nonce: [u8; 8],
}

/// Who may come in, and over which connection.
pub(super) struct Door<'a> {
    /// The address, which is the user principal name as well; the part before the `@` is the name in `DOMAIN`.
    pub(super) username: &'a str,
    pub(super) password: &'a str,
    /// Without the channel binding of this connection nobody may come in.
    pub(super) needs_binding: bool,
    /// `tls-server-end-point`, where there is TLS.
    pub(super) binding: Option<&'a [u8]>,
}

/// The challenge for who begins with this message; `None` when it is no NEGOTIATE_MESSAGE.
pub(super) fn challenge(negotiate: &[u8]) -> Option<Challenge> {
    if !negotiate.starts_with(SIGNATURE) || number(negotiate, 8)? != 1 {
        return None;
    }
    let wanted = number(negotiate, 12)?;
    let both = wanted & (SIGN | SEAL | KEY_EXCHANGE | BITS_56 | BITS_128);
    let flags = both
        | UNICODE
        | REQUEST_TARGET
        | NTLM
        | ALWAYS_SIGN
        | TARGET_IS_DOMAIN
        | EXTENDED_SESSION_SECURITY
        | TARGET_INFO
        | VERSION;
    let nonce = fastrand::u64(..).to_le_bytes();
    let target = utf16(DOMAIN);
    let info: Vec<u8> = [
        pair(NETBIOS_DOMAIN, &target),
        pair(NETBIOS_COMPUTER, &utf16("MAIL")),
        pair(DNS_DOMAIN, &utf16("sales.example")),
        pair(DNS_COMPUTER, &utf16("mail.sales.example")),
        pair(TIMESTAMP, &file_time(SystemTime::now()).to_le_bytes()),
        pair(0, &[]),
    ]
    .concat();
    let field = |content: &[u8], offset: usize| {
        let length = u16::try_from(content.len()).unwrap_or_default().to_le_bytes();
        [&length[..], &length[..], &u32::try_from(offset).unwrap_or_default().to_le_bytes()].concat()
    };
    let message = [
        SIGNATURE,
        &2u32.to_le_bytes(),
        &field(&target, 56),
        &flags.to_le_bytes(),
        &nonce,
        &[0; 8],
        &field(&info, 56 + target.len()),
        // Windows Server 2022.
        &[10, 0, 0x7c, 0x4f, 0, 0, 0, 15],
        &target,
        &info,
    ]
    .concat();
    Some(Challenge { negotiate: negotiate.to_vec(), message, nonce })
}

impl Challenge {
    /// Whether the answer to it, an AUTHENTICATE_MESSAGE, opens the door.
    pub(super) fn opens(&self, authenticate: &[u8], door: &Door<'_>) -> bool {
        self.verify(authenticate, door).is_some()
    }

    fn verify(&self, authenticate: &[u8], door: &Door<'_>) -> Option<()> {
        if !authenticate.starts_with(SIGNATURE) || number(authenticate, 8)? != 3 {
            return None;
        }
        let (response, domain, user) =
            (field(authenticate, 20)?, field(authenticate, 28)?, field(authenticate, 36)?);
        if !is_known(&text(user)?, &text(domain)?, door.username) {
            return None;
        }
        // NTLMv2_CLIENT_CHALLENGE (2.2.2.7); a response of the older NTLM is too short for it.
        let (proof, rest) = response.split_at_checked(16)?;
        let pairs = pairs(rest.get(28..)?)?;
        let named = |id: u16| pairs.iter().find(|(name, _)| *name == id).map(|(_, value)| *value);
        // 3.3.2
        let name = utf16(&(text(user)?.to_uppercase() + &text(domain)?));
        let key = hmac_md5(&Md4::digest(utf16(door.password)), &[&name]);
        if hmac_md5(&key, &[&self.nonce, rest]).as_slice() != proof {
            return None;
        }
        let time = u64::from_le_bytes(rest.get(8..16)?.try_into().ok()?);
        let age = file_time(SystemTime::now()).abs_diff(time);
        if u128::from(age) * 100 > MAX_AGE.as_nanos() || named(NETBIOS_DOMAIN) != Some(&utf16(DOMAIN)) {
            return None;
        }
        // Who was told the time must send a MIC (3.1.5.1.2), and says so.
        let has_mic = number(named(FLAGS)?, 0)? & 2 != 0;
        let base = hmac_md5(&key, &[proof]);
        let session = if number(authenticate, 60)? & KEY_EXCHANGE != 0 {
            rc4(&base, field(authenticate, 52)?)
        } else {
            base.to_vec()
        };
        let mut without_mic = authenticate.to_vec();
        without_mic.get_mut(72..88)?.fill(0);
        let mic = hmac_md5(&session, &[&self.negotiate, &self.message, &without_mic]);
        if !has_mic || authenticate.get(72..88)? != mic.as_slice() {
            return None;
        }
        let given = named(CHANNEL_BINDINGS).filter(|given| given.iter().any(|byte| *byte != 0));
        let expected = door.binding.map(binding_hash);
        match given {
            Some(given) => (expected?.as_slice() == given).then_some(()),
            None => (!door.needs_binding).then_some(()),
        }
    }
}

fn is_known(user: &str, domain: &str, address: &str) -> bool {
    let name = address.split('@').next().unwrap_or_default();
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    (domain.is_empty() && same(user, address)) || (same(domain, DOMAIN) && same(user, name))
}

/// MD5 of a `gss_channel_bindings_struct` (RFC 2744 §3.11) without addresses.
fn binding_hash(binding: &[u8]) -> Vec<u8> {
    let length = u32::try_from(binding.len()).unwrap_or_default().to_le_bytes();
    Md5::digest([&[0; 16], &length[..], binding].concat()).to_vec()
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut box_: Vec<u8> = (0..=255).collect();
    let (mut i, mut j) = (0u8, 0u8);
    for at in 0..=255u8 {
        let byte = key.get(usize::from(at) % key.len().max(1)).copied().unwrap_or_default();
        j = j.wrapping_add(at_of(&box_, at)).wrapping_add(byte);
        box_.swap(usize::from(at), usize::from(j));
    }
    j = 0;
    let next = |byte: &u8| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(at_of(&box_, i));
        box_.swap(usize::from(i), usize::from(j));
        byte ^ at_of(&box_, at_of(&box_, i).wrapping_add(at_of(&box_, j)))
    };
    data.iter().map(next).collect()
}

fn at_of(bytes: &[u8], at: u8) -> u8 {
    bytes.get(usize::from(at)).copied().unwrap_or_default()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// What the fields at `at` (length, maximal length, offset) point to.
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::try_from(number(message, at)? & 0xFFFF).ok()?;
    let offset = usize::try_from(number(message, at + 4)?).ok()?;
    message.get(offset..offset.checked_add(length)?)
}

fn pair(id: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or_default();
    [&id.to_le_bytes()[..], &length.to_le_bytes(), value].concat()
}

fn pairs(mut bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut pairs = Vec::new();
    loop {
        let head = number(bytes, 0)?;
        let (id, length) = (u16::try_from(head & 0xFFFF).ok()?, usize::try_from(head >> 16).ok()?);
        if id == 0 {
            return Some(pairs);
        }
        pairs.push((id, bytes.get(4..4 + length)?));
        bytes = bytes.get(4 + length..)?;
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn text(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok()
}

/// In units of 100 ns since 1601.
fn file_time(time: SystemTime) -> u64 {
    const BEFORE_1970: u64 = 11_644_473_600;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    (BEFORE_1970 + since.as_secs()) * 10_000_000 + u64::from(since.subsec_nanos() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    }

    /// [MS-NLMP] 4.2.4: user "User", domain "Domain", password "Password".
    #[test]
    fn the_example_of_the_specification_comes_out() {
        let key = hmac_md5(&Md4::digest(utf16("Password")), &[&utf16("USERDomain")]);
        assert_eq!(key, hex("0c868a403bfd7a93a3001ef22ef02e3f"));
        let nonce = hex("0123456789abcdef");
        let temp = hex(
            "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e0001000c00\
             5300650072007600650072000000000000000000",
        );
        let proof = hmac_md5(&key, &[&nonce, &temp]);
        assert_eq!(proof, hex("68cd0ab851e51c96aabc927bebef6a1c"));
        let base = hmac_md5(&key, &[&proof]);
        assert_eq!(base, hex("8de40ccadbc14a82f15cb0ad0de95ca3"));
        assert_eq!(rc4(&base, &[0x55; 16]), hex("c5dad2544fc979 9094ce1ce90bc9d03e"));
    }
}
