//! Whether a policy is public (AWS: "Blocking public access", "The meaning of public").
//!
//! It is, if it allows anything to everybody, unless a condition confines that to fixed values of a few keys, none of
//! which is a pattern.

use std::net::IpAddr;

use super::condition::{Comparison, Condition, Network, Operand};
use super::document::{Policy, PrincipalName, Principals, Statement};

/// Keys that confine a statement when they are held against fixed values.
const CONFINING: [&str; 8] = [
    "aws:principalorgid",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

/// Shorter prefixes than these are half the world.
const V4_BITS_MIN: u8 = 8;
const V6_BITS_MIN: u8 = 32;

impl Policy {
    /// Whether it opens anything to everybody.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(Statement::is_public)
    }
}

impl Statement {
    fn is_public(&self) -> bool {
        let to_everybody = match &self.principals {
            Principals::Holder => false,
            Principals::These(names) => names.contains(&PrincipalName::Everybody),
            Principals::AllBut(_) => true,
        };
        self.allows && to_everybody && !self.conditions.iter().any(Condition::confines)
    }
}

impl Condition {
    fn confines(&self) -> bool {
        let operator = self.operator;
        if operator.denies || operator.is_lenient() || self.values.is_empty() {
            return false;
        }
        match operator.compares {
            Comparison::Address => {
                self.key == "aws:sourceip"
                    && self.values.iter().all(|value| match value {
                        Operand::Network(network) => network.is_narrow(),
                        _ => false,
                    })
            }
            Comparison::Text | Comparison::TextAnyCase | Comparison::TextLike | Comparison::Arn => {
                self.values.iter().all(|value| self.is_fixed(value))
            }
            _ => false,
        }
    }

    fn is_fixed(&self, value: &Operand) -> bool {
        let fixed = match value {
            Operand::Text(pattern) => !pattern.is_open(),
            // The name of a resource may be open where its account is not.
            Operand::Arn(parts) => parts.iter().take(5).all(|part| !part.is_open()),
            _ => false,
        };
        match self.key.as_str() {
            "aws:userid" => match value {
                Operand::Text(pattern) => {
                    let outline = pattern.outline();
                    let (id, _) = outline.split_once(':').unwrap_or((&outline, ""));
                    !id.contains(['*', '?']) && !outline.ends_with(":*")
                }
                _ => false,
            },
            key => fixed && CONFINING.contains(&key),
        }
    }
}

impl Network {
    fn is_narrow(self) -> bool {
        match self.address {
            IpAddr::V4(_) => self.bits >= V4_BITS_MIN,
            IpAddr::V6(_) => self.bits >= V6_BITS_MIN,
        }
    }
}
