//! Showing the server's configuration.

use crate::{cli::ConfigCommand, config, output};

pub(crate) fn run(command: ConfigCommand) -> anyhow::Result<()> {
    let ConfigCommand::Print { config, role } = command;
    let config = config::load(config.as_deref())?;
    output::text(&config::print(&config, role)?);
    Ok(())
}
