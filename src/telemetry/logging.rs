//! Log lines: pretty on a terminal, one JSON object a line elsewhere.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter cannot be read.
    #[error(
        "log level {0:?} is not understood: use error, warn, info, debug, trace or a filter like info,holdfast::s3=debug"
    )]
    Filter(String),
    /// Logging was started before in this process.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging to standard error. `level` is a level or a filter like `info,holdfast::s3=debug`.
pub fn start_logging(level: &str, format: LogFormat) -> Result<(), LoggingError> {
    let filter = EnvFilter::builder().parse(level).map_err(|_| LoggingError::Filter(level.to_owned()))?;
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let builder = builder.with_timer(SystemTime).with_target(true);
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let started = if json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_ansi(terminal).try_init()
    };
    started.map_err(|_| LoggingError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_three_names() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!("auto".parse(), Ok(LogFormat::Auto));
        assert_eq!("pretty".parse::<LogFormat>(), Err(()));
    }

    #[test]
    fn a_broken_filter_is_refused_by_name() {
        let error = start_logging("holdfast=nonsense=x", LogFormat::Text).unwrap_err();
        assert!(error.to_string().contains("holdfast=nonsense=x"), "{error}");
    }
}
