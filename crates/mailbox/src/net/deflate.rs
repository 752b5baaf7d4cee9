//! Compression of a connection (RFC 4978: a raw deflate stream in each direction, flushed after whatever is said).

use std::io::Cursor;

use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use tokio::io::{AsyncReadExt, BufReader, join, split};

use super::Stream;

/// Compresses what is sent from here on and unpacks what comes; `came` is what was read of it already.
pub(crate) fn deflated(stream: Box<dyn Stream>, came: Vec<u8>) -> Box<dyn Stream> {
    let (from_server, to_server) = split(stream);
    let packed = BufReader::new(Cursor::new(came).chain(from_server));
    Box::new(join(DeflateDecoder::new(packed), DeflateEncoder::new(to_server)))
}
