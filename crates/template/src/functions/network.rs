//! Functions of networks, which are written as `10.0.0.0/8` or `fd00::/48`.

use super::Accepts::{List, Number as Num, String as Str};
use super::{Context, Failure, Function, Parameter, number, text, whole};
use crate::types::Type;
use crate::value::Value;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const PREFIX: Parameter = Parameter::string("prefix");
const NEW_BITS: Parameter = Parameter::number("newbits");

pub(super) const TABLE: &[Function] = &[
    Function::new("cidrhost", &[PREFIX, Parameter::number("hostnum")], Str, host),
    Function::new("cidrnetmask", &[PREFIX], Str, |_, arguments| {
        let network = network(arguments)?;
        Ok(Value::string(network.with(!network.hosts() & network.all()).address()))
    }),
    Function::new("cidrsubnet", &[PREFIX, NEW_BITS, Parameter::number("netnum")], Str, subnet),
    Function::new("cidrsubnets", &[PREFIX], List(&Str), subnets).rest(Parameter::new("newbits", Num)),
];

#[derive(Clone, Copy)]
struct Network {
    /// Of IPv4 the lower 32 bits; those of the host are zero.
    bits: u128,
    /// Of an address: 32 or 128.
    width: u32,
    /// Of the prefix.
    length: u32,
}

impl Network {
    /// Bits of the host in what was written do not count. IPv4 written as IPv6 is IPv4, as in Go.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let length = Some(length).filter(|length| length.bytes().all(|digit| digit.is_ascii_digit()))?;
        let length: u32 = length.parse().ok()?;
        let (bits, width, length) = match address.parse().ok()? {
            IpAddr::V4(address) => (u32::from(address).into(), 32, length),
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), length) {
                (Some(address), 96..=128) => (u32::from(address).into(), 32, length - 96),
                _ => (address.into(), 128, length),
            },
        };
        let network = Self { bits, width, length };
        (length <= width).then(|| network.with(bits & !network.hosts()))
    }

    fn with(self, bits: u128) -> Self {
        Self { bits, ..self }
    }

    /// One for each bit of an address.
    fn all(self) -> u128 {
        u128::MAX >> (128 - self.width)
    }

    /// One for each bit of the host: the highest number of a host.
    fn hosts(self) -> u128 {
        self.all().checked_shr(self.length).unwrap_or(0)
    }

    fn last(self) -> u128 {
        self.bits | self.hosts()
    }

    fn address(self) -> String {
        match u32::try_from(self.bits) {
            Ok(bits) if self.width == 32 => Ipv4Addr::from(bits).to_string(),
            _ => Ipv6Addr::from(self.bits).to_string(),
        }
    }

    fn prefix(self) -> Value {
        Value::string(format!("{}/{}", self.address(), self.length))
    }

    /// The first network in this one whose prefix is longer by so many bits.
    fn longer(self, arguments: &[Value], index: usize, least: i64) -> Result<Self, Failure> {
        let bits = whole(arguments, index)?;
        if bits < least {
            return Err(Failure::at(index, format!("the prefix must grow by {least} bits or more")));
        }
        let room = self.width - self.length;
        match u32::try_from(bits) {
            Ok(bits) if bits <= room => Ok(Self { length: self.length + bits, ..self }),
            _ => Err(Failure::at(index, format!("a prefix of {} bits can grow by {room} bits at most", self.length))),
        }
    }
}

fn network(arguments: &[Value]) -> Result<Network, Failure> {
    Network::parse(text(arguments, 0))
        .ok_or_else(|| Failure::at(0, "this is no network").help("write it like `10.0.0.0/8` or `fd00::/48`"))
}

/// A whole number that may be larger than others are.
fn large(arguments: &[Value], index: usize) -> Result<i128, Failure> {
    let number = number(arguments, index);
    if !number.is_integer() {
        return Err(Failure::at(index, "a whole number is required"));
    }
    number.to_string().parse().map_err(|_| Failure::at(index, "this number is too large"))
}

/// Negative numbers count from the end.
fn host(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let network = network(arguments)?;
    let wanted = large(arguments, 1)?;
    let from_start = if wanted < 0 {
        network.hosts().checked_sub(wanted.unsigned_abs() - 1)
    } else {
        Some(wanted.unsigned_abs()).filter(|wanted| *wanted <= network.hosts())
    };
    let host = from_start
        .ok_or_else(|| Failure::at(1, format!("a prefix of {} bits leaves no room for this host", network.length)))?;
    Ok(Value::string(network.with(network.bits | host).address()))
}

fn subnet(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let network = network(arguments)?;
    let first = network.longer(arguments, 1, 0)?;
    let bits = first.length - network.length;
    let most = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
    let wanted = u128::try_from(large(arguments, 2)?).ok().filter(|wanted| *wanted <= most);
    let wanted = wanted.ok_or_else(|| Failure::at(2, format!("this must be from 0 to {most}: it has {bits} bits")))?;
    let offset = wanted.checked_shl(first.width - first.length).unwrap_or(0);
    Ok(first.with(first.bits | offset).prefix())
}

/// One after the other, each at the first place that suits its size.
fn subnets(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let network = network(arguments)?;
    let mut free = Some(network.bits);
    let mut found = Vec::new();
    for index in 1..arguments.len() {
        let subnet = network.longer(arguments, index, 1)?;
        let start = free.and_then(|free| Some(free.checked_add(subnet.hosts())? & !subnet.hosts()));
        let start = start.filter(|start| *start <= network.last());
        let subnet = subnet
            .with(start.ok_or_else(|| {
                Failure::at(index, format!("no room is left for a prefix of {} bits", subnet.length))
            })?);
        free = subnet.last().checked_add(1);
        found.push(subnet.prefix());
    }
    Ok(Value::list(Type::String, found))
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::{call, n, s};

    #[test]
    fn hosts_of_a_network() {
        let host = |network: &str, number: &str| call("cidrhost", &[s(network), n(number)]);
        assert_eq!(host("10.12.127.0/20", "16"), "\"10.12.112.16\"");
        assert_eq!(host("10.0.0.0/8", "-1"), "\"10.255.255.255\"");
        assert_eq!(host("10.0.0.0/8", "-16777216"), "\"10.0.0.0\"");
        assert_eq!(host("10.0.0.0/8", "-16777217"), "1: a prefix of 8 bits leaves no room for this host");
        assert_eq!(host("10.0.0.0/30", "4"), "1: a prefix of 30 bits leaves no room for this host");
        assert_eq!(host("10.0.0.9/32", "0"), "\"10.0.0.9\"");
        assert_eq!(host("fd00::/48", "1"), "\"fd00::1\"");
        assert_eq!(host("::/0", "-1"), "\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"");
        assert_eq!(host("::/0", "18446744073709551616"), "\"0:0:0:1::\"");
        assert_eq!(host("::/0", "1e60"), "1: this number is too large");
        assert_eq!(host("::ffff:1.2.3.0/120", "4"), "\"1.2.3.4\"");
        assert_eq!(host("10.0.0.0/8", "1.5"), "1: a whole number is required");
        assert_eq!(host("10.0.0.0/08", "1"), "\"10.0.0.1\"");
        for wrong in ["010.0.0.0/8", "10.0.0/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/", "::/129", "/"] {
            assert_eq!(host(wrong, "1"), "0: this is no network", "{wrong}");
        }
    }

    #[test]
    fn masks() {
        assert_eq!(call("cidrnetmask", &[s("172.16.0.0/12")]), "\"255.240.0.0\"");
        assert_eq!(call("cidrnetmask", &[s("10.0.0.1/0")]), "\"0.0.0.0\"");
        assert_eq!(call("cidrnetmask", &[s("fd00::/48")]), "\"ffff:ffff:ffff::\"");
        assert_eq!(call("cidrnetmask", &[s("::1/128")]), "\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"");
    }

    #[test]
    fn a_network_in_a_network() {
        let subnet = |network: &str, bits: &str, number: &str| call("cidrsubnet", &[s(network), n(bits), n(number)]);
        assert_eq!(subnet("10.0.0.1/8", "8", "2"), "\"10.2.0.0/16\"");
        assert_eq!(subnet("10.0.0.0/8", "0", "0"), "\"10.0.0.0/8\"");
        assert_eq!(subnet("0.0.0.0/0", "0", "0"), "\"0.0.0.0/0\"");
        assert_eq!(subnet("fd00::/48", "16", "162"), "\"fd00:0:0:a2::/64\"");
        assert_eq!(subnet("::/0", "128", "1"), "\"::1/128\"");
        assert_eq!(subnet("10.0.0.0/8", "2", "4"), "2: this must be from 0 to 3: it has 2 bits");
        assert_eq!(subnet("10.0.0.0/8", "2", "-1"), "2: this must be from 0 to 3: it has 2 bits");
        assert_eq!(subnet("10.0.0.0/8", "25", "4"), "1: a prefix of 8 bits can grow by 24 bits at most");
        assert_eq!(subnet("10.0.0.0/8", "-1", "0"), "1: the prefix must grow by 0 bits or more");
    }

    #[test]
    fn networks_side_by_side() {
        let subnets = |network: &str, bits: &[&str]| {
            let numbers = bits.iter().map(|bits| n(bits));
            call("cidrsubnets", &std::iter::once(s(network)).chain(numbers).collect::<Vec<_>>())
        };
        assert_eq!(
            subnets("10.0.0.0/8", &["2", "2", "8", "4"]),
            "list[\"10.0.0.0/10\", \"10.64.0.0/10\", \"10.128.0.0/16\", \"10.144.0.0/12\"]"
        );
        assert_eq!(subnets("10.0.0.0/8", &[]), "list[]");
        assert_eq!(subnets("::/0", &["1", "1"]), "list[\"::/1\", \"8000::/1\"]");
        assert_eq!(subnets("::/0", &["1", "1", "1"]), "3: no room is left for a prefix of 1 bits");
        assert_eq!(subnets("10.0.0.0/8", &["1", "8", "1"]), "3: no room is left for a prefix of 9 bits");
        assert_eq!(subnets("10.0.0.0/8", &["0"]), "1: the prefix must grow by 1 bits or more");
    }
}
