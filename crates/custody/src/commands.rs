//! One file a command.

pub(crate) mod config;
mod disclose;
pub(crate) mod erase;
pub(crate) mod hold;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod mask;
mod policy;
pub(crate) mod prices;
pub(crate) mod retention;
pub(crate) mod reveal;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod verify;
pub(crate) mod witness;
pub(crate) mod worm_probe;

mod record_view;

pub(crate) use record_view::print_record;
