//! The manual page, made from the same table as `--help`.

use std::io::Write;

use super::commands::command_line;

/// Prints the page in roff, one section a command.
pub(super) fn print() -> Result<(), String> {
    let mut page = Vec::new();
    render(&mut page).map_err(|error| format!("cannot make the manual page: {error}"))?;
    std::io::stdout().write_all(&page).map_err(|error| format!("cannot print the manual page: {error}"))
}

fn render(page: &mut Vec<u8>) -> std::io::Result<()> {
    let command = command_line();
    clap_mangen::Man::new(command.clone()).render(page)?;
    for sub in command
        .get_subcommands()
        .filter(|sub| matches!(sub.get_name(), "serve" | "node" | "gateway" | "doctor" | "recover"))
    {
        writeln!(page, ".SH \"OPTIONS OF {}\"", sub.get_name().to_uppercase())?;
        clap_mangen::Man::new(sub.clone()).render_options_section(page)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_flag_of_serve() {
        let mut page = Vec::new();
        render(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("console\\-address") && page.contains("OPTIONS OF GATEWAY"), "{page}");
    }
}
