//! How policies of all kinds bound each other (AWS: "Policy evaluation logic", "Cross-account policy evaluation logic",
//! "Permissions boundaries", "Session policies"), as a table.

use super::cases::*;
use crate::iam::Principal;

/// Who asks; own policies, boundary and session, each of which allows (`A`), allows something else (`E`), denies (`D`) or is
/// not there (`-`); whom the bucket's policy names; and what comes of it from where.
const ROWS: &str = "
# A user of the bucket's account: what its policies allow, as far as the boundary and a session leave it.
user - - - - not Identity
user A - - - yes Identity
user E - - - not Identity
user D - - - deny Identity
user A A - - yes Identity
user A E - - not Boundary
user A D - - deny Boundary
user E A - - not Identity
user E E - - not Identity
user D A - - deny Identity
user - A - - not Identity
user - E - - not Identity
user - D - - deny Boundary
user A - A - yes Identity
user A - E - not Session
user A - D - deny Session
user A A A - yes Identity
user A A E - not Session
user A E A - not Boundary
user A E E - not Boundary
user E A A - not Identity
user - A A - not Identity
user - - A - not Identity
user D A A - deny Identity
user A D A - deny Boundary
user A A D - deny Session
# The bucket's policy names the user: its own policies and its boundary need not allow, and may deny.
user - - - anna yes Resource
user E - - anna yes Resource
user - E - anna yes Resource
user E E - anna yes Resource
user A E - anna yes Resource
user A A - anna yes Resource
user D - - anna deny Identity
user - D - anna deny Boundary
# It names everybody.
user - - - all yes Resource
user E - - all yes Resource
user D - - all deny Identity
user - D - all deny Boundary
# It names the account, which hands it on by its own policies.
user - - - owner not Identity
user A - - owner yes Identity
user E - - owner not Identity
user D - - owner deny Identity
user A E - owner not Boundary
user A A - owner yes Identity
# It names another account.
user - - - other not Identity
user A - - other yes Identity
# It denies.
user - - - nobody deny Resource
user A - - nobody deny Resource
user A A - nobody deny Resource
user D - - nobody deny Identity
# The session of a role.
session - - - - not Identity
session A - - - yes Identity
session E - - - not Identity
session D - - - deny Identity
session A A - - yes Identity
session A E - - not Boundary
session A D - - deny Boundary
session - A - - not Identity
session - D - - deny Boundary
session A - A - yes Identity
session A - E - not Session
session A - D - deny Session
session A A A - yes Identity
session A A E - not Session
session A E A - not Boundary
session E A A - not Identity
session - A A - not Identity
session D A A - deny Identity
session A D A - deny Boundary
session A A D - deny Session
# The bucket's policy names the role: boundary and session bound what it gives.
session - - - role yes Resource
session E - - role yes Resource
session D - - role deny Identity
session - A - role yes Resource
session - E - role not Boundary
session - - A role yes Resource
session - - E role not Session
session - A A role yes Resource
session A E A role not Boundary
session A A E role not Session
# It names the session itself: nothing bounds what it gives, but a denial.
session - - - job yes Resource
session E - - job yes Resource
session - E - job yes Resource
session - - E job yes Resource
session - E E job yes Resource
session D - - job deny Identity
session - D - job deny Boundary
session - - D job deny Session
# It names the account.
session - - - owner not Identity
session A - - owner yes Identity
session A - E owner not Session
session A E - owner not Boundary
session A A A owner yes Identity
# A user of another account: both sides must allow.
stranger - - - - not Resource
stranger A - - - not Resource
stranger A A - - not Resource
stranger D - - - deny Identity
stranger - - - other not Identity
stranger A - - other yes Resource
stranger E - - other not Identity
stranger D - - other deny Identity
stranger A A - other yes Resource
stranger A E - other not Boundary
stranger A D - other deny Boundary
stranger - A - other not Identity
stranger A - A other yes Resource
stranger A - E other not Session
stranger A - D other deny Session
stranger - - - all not Identity
stranger A - - all yes Resource
stranger E - - all not Identity
stranger A E - all not Boundary
stranger A - - owner not Resource
stranger - - - nobody deny Resource
stranger A - - nobody deny Resource
# The session of another account's role.
visitor - - - - not Resource
visitor A - - - not Resource
visitor - - - other not Identity
visitor A - - other yes Resource
visitor E - - other not Identity
visitor D - - other deny Identity
visitor A E - other not Boundary
visitor A - E other not Session
visitor A A A other yes Resource
visitor A - - role not Resource
visitor A - - job not Resource
";

fn statements(code: &str) -> &'static str {
    match code {
        "A" => ALLOW,
        "E" => ELSE,
        "D" => DENY,
        _ => "",
    }
}

#[test]
fn policies_bound_each_other_as_documented() {
    for row in ROWS.lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let columns: Vec<_> = row.split_whitespace().collect();
        let [who, identity, boundary, in_session, bucket, outcome, source] = columns[..] else {
            panic!("{row}")
        };
        let principal: Principal = match who {
            "user" => user(OWNER),
            "stranger" => user(OTHER),
            "session" => session(OWNER),
            "visitor" => session(OTHER),
            _ => panic!("{row}"),
        };
        let bucket = match bucket {
            "all" => TO_ALL,
            "owner" => TO_OWNER,
            "other" => TO_OTHER,
            "anna" => TO_ANNA,
            "role" => TO_ROLE,
            "job" => TO_JOB,
            "nobody" => NOT_TO_ALL,
            _ => "",
        };
        let [identity, boundary, in_session] = [identity, boundary, in_session].map(statements);
        let say = Say { identity, boundary, session: in_session, bucket, ..Say::default() };
        let words = match outcome {
            "yes" => "allowed by",
            "deny" => "denied by",
            _ => "not allowed by",
        };
        let (allowed, reason) = decided(&principal, "s3:GetObject", &say);
        assert_eq!((allowed, reason), (outcome == "yes", format!("{words} {source}")), "{row}");
    }
}
