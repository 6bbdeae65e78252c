//! The frames of the relay: a tag of two bytes, then numbers with the highest byte first.

use std::fmt;

/// The most bytes that a frame of data may have.
pub(super) const MOST_DATA: usize = 16 * 1024;

const CONNECTED: u16 = 1;
const RECONNECTED: u16 = 2;
const DATA: u16 = 4;
const ACKNOWLEDGED: u16 = 7;

/// What is said in either direction.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The connection stands; by this name it is taken up again.
    Connected(&'a str),
    /// It stands again, and so many bytes of ours had arrived.
    Reconnected(u64),
    Data(&'a [u8]),
    /// So many bytes have arrived in all.
    Acknowledged(u64),
}

/// Neither the name, by which anybody may take the connection up, nor what goes through it.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(_) => write!(f, "Connected"),
            Self::Reconnected(bytes) => write!(f, "Reconnected({bytes})"),
            Self::Data(data) => write!(f, "Data({} bytes)", data.len()),
            Self::Acknowledged(bytes) => write!(f, "Acknowledged({bytes})"),
        }
    }
}

impl<'a> Frame<'a> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Connected(name) => with_length(CONNECTED, name.as_bytes()),
            Self::Data(data) => with_length(DATA, data),
            Self::Reconnected(bytes) => [&RECONNECTED.to_be_bytes()[..], &bytes.to_be_bytes()].concat(),
            Self::Acknowledged(bytes) => [&ACKNOWLEDGED.to_be_bytes()[..], &bytes.to_be_bytes()].concat(),
        }
    }

    /// The first frame of these bytes, and the bytes after it. There is none in bytes that are no frame or one that we
    /// don't know, and then there is no rest either: nobody can tell where the next would begin.
    pub(super) fn split(bytes: &'a [u8]) -> (Option<Self>, &'a [u8]) {
        Self::known(bytes).map_or((None, &[]), |(frame, rest)| (Some(frame), rest))
    }

    fn known(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, rest) = bytes.split_first_chunk()?;
        match u16::from_be_bytes(*tag) {
            tag @ (CONNECTED | DATA) => {
                let (length, rest) = rest.split_first_chunk()?;
                let (body, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
                let frame = if tag == DATA { Self::Data(body) } else { Self::Connected(str::from_utf8(body).ok()?) };
                Some((frame, rest))
            }
            tag @ (RECONNECTED | ACKNOWLEDGED) => {
                let (bytes, rest) = rest.split_first_chunk()?;
                let bytes = u64::from_be_bytes(*bytes);
                Some((if tag == RECONNECTED { Self::Reconnected(bytes) } else { Self::Acknowledged(bytes) }, rest))
            }
            _ => None,
        }
    }
}

fn with_length(tag: u16, body: &[u8]) -> Vec<u8> {
    // Of data there are 16 KiB at most.
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&tag.to_be_bytes()[..], &length.to_be_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_written() {
        let frames =
            [Frame::Connected("sid"), Frame::Reconnected(7), Frame::Data(b"abc"), Frame::Acknowledged(1 << 40)];
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        assert_eq!(
            bytes,
            [
                &b"\0\x01\0\0\0\x03sid"[..],
                b"\0\x02\0\0\0\0\0\0\0\x07",
                b"\0\x04\0\0\0\x03abc",
                b"\0\x07\0\0\x01\0\0\0\0\0",
            ]
            .concat()
        );
        let (mut read, mut rest) = (Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let (frame, after) = Frame::split(rest);
            read.extend(frame);
            rest = after;
        }
        assert_eq!(read, frames);
    }

    #[test]
    fn what_is_no_frame_is_left_out() {
        let nonsense: [&[u8]; 6] =
            [b"", b"\0", b"\0\x09rest", b"\0\x04\0\0\0\x09few", b"\0\x01\0\0\0\x02\xff\xff", b"\0\x07\0\0"];
        for bytes in nonsense {
            assert_eq!(Frame::split(bytes), (None, &b""[..]), "{bytes:?}");
        }
    }
}
