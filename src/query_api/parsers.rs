//! The readers of this protocol as functions of bytes (see [`crate::parsers`]).

use super::form::Form;
use super::page::page;
use crate::types::Parser;

/// All readers.
pub(crate) const ALL: &[Parser] = &[Parser::of_text("query-form", |bytes| form(bytes).err())];

/// Reads a form in every way in which operations do.
fn form(bytes: &[u8]) -> Result<(), u16> {
    let refused = |error: super::error::Error| error.status.as_u16();
    let form = Form::parse([bytes, bytes]).map_err(refused)?;
    form.required("Action").map_err(refused)?;
    form.number("DurationSeconds").map_err(refused)?;
    let (_, more) = page(&form, form.tags()).map_err(refused)?;
    let names = form.list("ActionNames").into_iter().chain(form.fields("PolicyArns", "arn"));
    let mut xml = String::new();
    more.iter().chain([&super::answer::texts("Names", names)]).for_each(|node| node.write(&mut xml));
    Ok(())
}
