//! The commands and their options.

mod serve;
mod user;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use fieldsync_server::config::{ACCESS_TOKEN_SECS, REQUESTS_PER_MINUTE, SIGN_INS_PER_MINUTE};
use fieldsync_server::db::sqlite::SqliteDb;
use fieldsync_server::db::{DbError, Role};
use fieldsync_server::state::StartError;

/// The reference server of Fieldsync.
#[derive(Parser)]
#[command(name = "fieldsync-server", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Serve. The default.
    Serve(Box<Serve>),
    /// Add and change users.
    #[command(subcommand)]
    User(UserCommand),
}

/// Where the data is.
#[derive(Args, Clone)]
struct Data {
    /// The folder of the database. Made if need be.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

#[derive(Args, Clone)]
struct Serve {
    #[command(flatten)]
    data: Data,
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1")]
    bind: std::net::IpAddr,
    /// The folder of the built app, to serve it too.
    #[arg(long)]
    app: Option<PathBuf>,
    /// An origin beside the server's own that may call it from a page. May be given several times.
    #[arg(long = "origin")]
    origins: Vec<String>,
    /// Fill a new database with demo data.
    #[arg(long)]
    demo: bool,
    /// From which the demo data is made.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long an access token is taken, in seconds.
    #[arg(long, default_value_t = ACCESS_TOKEN_SECS)]
    access_token_secs: u32,
    /// The lowest schema number that is still taken.
    #[arg(long, default_value_t = 1)]
    schema_min: u32,
    /// Requests that a user may make, a minute.
    #[arg(long, default_value_t = REQUESTS_PER_MINUTE)]
    requests_per_minute: u32,
    /// Sign-ins that may be tried with one name, a minute.
    #[arg(long, default_value_t = SIGN_INS_PER_MINUTE)]
    sign_ins_per_minute: u32,
    /// Let tests make the server fail.
    #[arg(long, hide = true)]
    test_hooks: bool,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user. The password is asked for.
    Add {
        #[command(flatten)]
        data: Data,
        /// The name to show.
        name: String,
        /// The name to sign in with.
        #[arg(long)]
        username: String,
        /// What they may do.
        #[arg(long)]
        role: Role,
        /// Their team.
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Give a user a new password.
    Password {
        #[command(flatten)]
        data: Data,
        /// The name to sign in with.
        username: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Move a user to a team; without a name, to none.
    Team {
        #[command(flatten)]
        data: Data,
        /// The name to sign in with.
        username: String,
        /// The team.
        team: Option<String>,
    },
}

#[derive(Args, Clone)]
struct PasswordFrom {
    /// Read the password from standard input without asking, for scripts.
    #[arg(long)]
    password_stdin: bool,
}

/// Why a command stopped.
#[derive(Debug)]
pub enum CliError {
    /// The server cannot begin.
    Start(StartError),
    /// The database fails.
    Db(DbError),
    /// The network or the terminal fails.
    Io(std::io::Error),
    /// The command makes no sense here, and why.
    Refused(&'static str),
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Db(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl From<DbError> for CliError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Does what the command line says.
pub fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(options)) => serve::run(*options),
        Some(Command::User(command)) => user::run(command),
    }
}

fn open(folder: &Path) -> Result<SqliteDb, DbError> {
    SqliteDb::open(folder, rand::random())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
