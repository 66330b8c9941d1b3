//! What a call costs by a price table, in whole millionths of a US dollar.
//!
//! Pure: no I/O, no clock, no floating point in the sums.
//!
//! ```text
//! own table (TOML) ──Table::parse───► Table ─┐
//!                                            ├─► Prices ──► entry ──────► rates ───────► cost
//! built-in table ────Table::built_in► Table ─┘     ▲          ▲             ▲
//!                                             upstream,    service       token counts
//!                                             model        tier
//! ```

mod cost;
mod model;
mod prices;
mod rates;
mod table;

pub use model::Step;
pub use prices::{Call, Found, Origin, Prices};
pub use rates::{Level, Price, Rates, Tokens};
pub use table::{BUILT_IN, Entry, Table, TableError};
