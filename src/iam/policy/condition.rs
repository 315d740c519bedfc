//! Conditions: an operator, a key and the values that it is held against.
//!
//! All conditions of a statement must hold. Of one condition's values one must fit, and of an operator that denies
//! (`StringNotEquals` and its kin) none may. A key that the request does not have makes a condition fail, and one
//! that denies hold.

use std::borrow::Cow;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::PolicyError;
use super::matching::ConditionKeys;
use super::pattern::{Pattern, Reading, key_name};
use crate::types::Civil;

/// One condition of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    /// Lower case, but for the key of a tag.
    pub(super) key: String,
    pub(super) values: Vec<Operand>,
}

/// How values are compared, and what counts where there are several or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) compares: Comparison,
    /// It holds where no value fits.
    pub(super) denies: bool,
    /// `...IfExists`: it holds where the key is not there.
    if_exists: bool,
    set: Set,
}

/// What becomes of the several values of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// The key has one value.
    Single,
    /// `ForAllValues:`: each must fit; so none fits too.
    All,
    /// `ForAnyValue:`: one must fit.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Text,
    TextAnyCase,
    TextLike,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value in a policy, compiled for its operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Text(Pattern),
    /// The parts of an ARN.
    Arn(Vec<Pattern>),
    Number(f64),
    /// Seconds of Unix time.
    Date(f64),
    Bool(bool),
    Binary(Vec<u8>),
    Network(Network),
}

/// The addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) address: IpAddr,
    pub(super) bits: u8,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            Some((set, name)) if set.eq_ignore_ascii_case("ForAllValues") => (Set::All, name),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAnyValue") => (Set::Any, name),
            Some(_) => return None,
            None => (Set::Single, name),
        };
        let name = name.to_ascii_lowercase();
        let (name, if_exists) = match name.strip_suffix("ifexists") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let (compares, denies) = comparison(name)?;
        // Whether a key is there does not depend on whether it is there.
        let senseless = compares == Comparison::Null && (if_exists || set != Set::Single);
        (!senseless).then_some(Self { compares, denies, if_exists, set })
    }

    /// True where it may hold although the request does not have the key.
    pub(super) fn is_lenient(self) -> bool {
        self.if_exists || self.set == Set::All
    }

    fn operand(self, value: &str, variables: bool) -> Option<Operand> {
        let reading = |wildcards| Reading { wildcards, variables };
        Some(match self.compares {
            Comparison::Text | Comparison::TextAnyCase => {
                Operand::Text(Pattern::parse(value, reading(false)))
            }
            Comparison::TextLike => Operand::Text(Pattern::parse(value, reading(true))),
            Comparison::Arn => Operand::Arn(Pattern::parse(value, reading(true)).split(ARN_PARTS)),
            Comparison::Number(_) => Operand::Number(number(value)?),
            Comparison::Date(_) => Operand::Date(date(value)?),
            Comparison::Bool | Comparison::Null => Operand::Bool(boolean(value)?),
            Comparison::Binary => Operand::Binary(STANDARD.decode(value).ok()?),
            Comparison::Address => Operand::Network(Network::parse(value)?),
        })
    }
}

/// Parts of an ARN that colons set apart; the last may have colons of its own.
const ARN_PARTS: usize = 6;

/// The operators (AWS: "IAM JSON policy elements: Condition operators"), in lower case.
fn comparison(name: &str) -> Option<(Comparison, bool)> {
    use Comparison::{Address, Arn, Binary, Bool, Date, Null, Number, Text, TextAnyCase, TextLike};
    let order = |name: &str| {
        Some(match name {
            "equals" => (Order::Equal, false),
            "notequals" => (Order::Equal, true),
            "lessthan" => (Order::Less, false),
            "lessthanequals" => (Order::LessOrEqual, false),
            "greaterthan" => (Order::Greater, false),
            "greaterthanequals" => (Order::GreaterOrEqual, false),
            _ => return None,
        })
    };
    if let Some(name) = name.strip_prefix("numeric") {
        return order(name).map(|(order, denies)| (Number(order), denies));
    }
    if let Some(name) = name.strip_prefix("date") {
        return order(name).map(|(order, denies)| (Date(order), denies));
    }
    Some(match name {
        "stringequals" => (Text, false),
        "stringnotequals" => (Text, true),
        "stringequalsignorecase" => (TextAnyCase, false),
        "stringnotequalsignorecase" => (TextAnyCase, true),
        "stringlike" => (TextLike, false),
        "stringnotlike" => (TextLike, true),
        "bool" => (Bool, false),
        "binaryequals" => (Binary, false),
        "ipaddress" => (Address, false),
        "notipaddress" => (Address, true),
        "arnequals" | "arnlike" => (Arn, false),
        "arnnotequals" | "arnnotlike" => (Arn, true),
        "null" => (Null, false),
        _ => return None,
    })
}

impl Condition {
    /// Reads all conditions of a statement: operators, keys and values.
    pub(super) fn parse_all(block: &Value, variables: bool) -> Result<Vec<Self>, PolicyError> {
        let not_objects = || PolicyError::malformed("Conditions must be valid JSON objects");
        let mut conditions = Vec::new();
        for (name, keys) in block.as_object().ok_or_else(not_objects)? {
            let operator = Operator::parse(name)
                .ok_or_else(|| PolicyError::malformed(format!("Invalid Condition type : {name}")))?;
            for (key, values) in keys.as_object().ok_or_else(not_objects)? {
                let values = texts(values).ok_or_else(not_objects)?;
                let values = values.iter().map(|value| {
                    let unfit =
                        || PolicyError::malformed(format!("Invalid value for Condition type : {name}"));
                    operator.operand(value, variables).ok_or_else(unfit)
                });
                let values = values.collect::<Result<_, _>>()?;
                conditions.push(Self { operator, key: key_name(key), values });
            }
        }
        Ok(conditions)
    }

    /// Whether it holds for a request.
    pub(super) fn holds(&self, keys: &dyn ConditionKeys) -> bool {
        let given = keys.values(&self.key);
        let Operator { compares, denies, if_exists, set } = self.operator;
        if compares == Comparison::Null {
            return self.values.contains(&Operand::Bool(given.is_empty()));
        }
        if given.is_empty() {
            return match set {
                Set::Single => denies || if_exists,
                Set::All => true,
                Set::Any => if_exists,
            };
        }
        let fits = |value: &Cow<'_, str>| {
            self.values.iter().any(|operand| self.compare(value, operand, keys)) != denies
        };
        match set {
            Set::All => given.iter().all(fits),
            Set::Any => given.iter().any(fits),
            Set::Single if denies => given.iter().all(fits),
            Set::Single => given.iter().any(fits),
        }
    }

    fn compare(&self, value: &str, operand: &Operand, keys: &dyn ConditionKeys) -> bool {
        let variable = |key: &str| keys.values(key).into_iter().next();
        match (self.operator.compares, operand) {
            (Comparison::TextAnyCase, Operand::Text(pattern)) => pattern.matches_any_case(value, variable),
            (_, Operand::Text(pattern)) => pattern.matches(value, variable),
            (_, Operand::Arn(parts)) => {
                let given: Vec<&str> = value.splitn(ARN_PARTS, ':').collect();
                given.len() == parts.len()
                    && parts.iter().zip(given).all(|(part, given)| part.matches(given, variable))
            }
            (Comparison::Number(order), Operand::Number(bound)) => {
                number(value).is_some_and(|value| order.holds(value, *bound))
            }
            (Comparison::Date(order), Operand::Date(bound)) => {
                date(value).is_some_and(|value| order.holds(value, *bound))
            }
            (_, Operand::Bool(expected)) => boolean(value) == Some(*expected),
            (_, Operand::Binary(expected)) => STANDARD.decode(value).is_ok_and(|value| value == *expected),
            (_, Operand::Network(network)) => {
                value.parse().is_ok_and(|address: IpAddr| network.contains(address))
            }
            _ => false,
        }
    }
}

/// A type of the values that a simulation gives to condition keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Anything.
    Text,
    /// A number.
    Number,
    /// ISO 8601, or seconds of Unix time.
    Date,
    /// `true` or `false`.
    Bool,
    /// Base64.
    Binary,
    /// An address, or the first bits of some.
    Address,
}

impl ValueType {
    /// Whether a text is a value of this type.
    pub fn includes(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Number => number(text).is_some(),
            Self::Date => date(text).is_some(),
            Self::Bool => boolean(text).is_some(),
            Self::Binary => STANDARD.decode(text).is_ok(),
            Self::Address => Network::parse(text).is_some(),
        }
    }
}

impl Order {
    fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Equal => value == bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        (bits <= longest).then_some(Self { address, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        let same = |network: u128, address: u128, width: u32| {
            let dropped = width - u32::from(self.bits);
            network.checked_shr(dropped).unwrap_or(0) == address.checked_shr(dropped).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same(network.to_bits().into(), address.to_bits().into(), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => same(network.to_bits(), address.to_bits(), 128),
            _ => false,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// ISO 8601 or seconds of Unix time.
fn date(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = Civil::parse_iso(text).map(|secs| secs as f64);
    plain.or_else(|| number(text)).or_else(|| date_with_offset(text))
}

/// `2020-01-01T00:00:00+02:00`: a time of day as it is so far from UTC.
fn date_with_offset(text: &str) -> Option<f64> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let (hours, minutes) = offset[1..].split_once(':')?;
    let within = |digits: &str, max: u32| {
        let are_digits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|number| are_digits && *number <= max)
    };
    let ahead = f64::from(within(hours, 23)? * 3600 + within(minutes, 59)? * 60);
    let there = Civil::parse_iso(&format!("{date}T{time}Z"))? as f64;
    Some(if offset.starts_with('+') { there - ahead } else { there + ahead })
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A value or a list of values as texts; none of them may be a list or an object.
fn texts(values: &Value) -> Option<Vec<Cow<'_, str>>> {
    fn text(value: &Value) -> Option<Cow<'_, str>> {
        Some(match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Value::Number(number) => Cow::Owned(number.to_string()),
            _ => return None,
        })
    }
    match values {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}
