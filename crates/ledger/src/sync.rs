//! The thread that syncs: one sync serves all frames that wait (group commit).
//!
//! Writing and syncing are separate threads, since a sync in the writer's thread would hold up all
//! frames behind it. A sync that fails is never repeated on the same file: the kernel may have
//! dropped the pages and would then report success ("Can Applications Recover from fsync
//! Failures?", ATC 2020). The file is given up, and the frames go into a new one from memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::ledger::Shared;
use crate::numbers::block_size;
use crate::state::Phase;
use crate::status::add;

/// Frames that nobody waits for are synced after this long.
const IDLE_SYNC: Duration = Duration::from_millis(50);

pub(crate) fn run(shared: &Arc<Shared>) {
    let mut taken = shared.numbers.next();
    let mut window = std::time::Instant::now();
    let mut rate = 0;
    loop {
        let stopping = wait(shared);
        if window.elapsed() >= Duration::from_secs(1) {
            let next = shared.numbers.next();
            rate = next.saturating_sub(taken);
            (taken, window) = (next, std::time::Instant::now());
        }
        let reservation = reserve(shared, rate);
        sync_once(shared);
        if let Some((position, end)) = reservation {
            let state = shared.lock();
            if state.journal.synced >= position && state.phase == Phase::Admitting {
                shared.numbers.extend(end);
            }
        }
        if stopping {
            return;
        }
    }
}

/// Waits until there is something to do; true when it is the last round.
fn wait(shared: &Shared) -> bool {
    let mut state = shared.lock();
    loop {
        let reserve = shared.numbers.remaining() <= crate::numbers::RESERVE_AT;
        if state.phase == Phase::Stopping
            || state.sync_wanted
            || (reserve && state.phase == Phase::Admitting && !state.journal.is_poisoned())
        {
            return state.phase == Phase::Stopping;
        }
        let dirty = state.journal.written > state.journal.synced || state.journal.is_poisoned();
        let patience = if dirty { IDLE_SYNC } else { Duration::from_secs(1) };
        let (guard, timeout) = shared.wait_sync(state, patience);
        state = guard;
        if timeout && dirty {
            return state.phase == Phase::Stopping;
        }
    }
}

/// Writes the reservation of the next block when the current one runs out; the block may be used
/// once the position is synced.
fn reserve(shared: &Shared, rate: u64) -> Option<(u64, u64)> {
    if shared.numbers.remaining() > crate::numbers::RESERVE_AT {
        return None;
    }
    let mut state = shared.lock();
    if state.phase != Phase::Admitting {
        return None;
    }
    let start = shared.numbers.end();
    let end = start + block_size(rate);
    match state.reserve(start, end, shared.now()) {
        Ok(position) => Some((position, end)),
        Err(error) => {
            drop(state);
            if !shared.counters.unwritable.swap(true, Ordering::Relaxed) {
                tracing::error!(%error, "no admission numbers can be reserved");
            }
            std::thread::sleep(IDLE_SYNC);
            None
        }
    }
}

/// Syncs what is written so far, keys before the frames that are sealed with them.
pub(crate) fn sync_once(shared: &Shared) {
    let Some((files, position)) = ({
        let mut state = shared.lock();
        state.sync_wanted = false;
        state.journal.to_sync()
    }) else {
        give_up_poisoned(shared);
        return;
    };
    let synced =
        shared.keys.sync().map_err(|error| error.to_string()).and_then(|()| {
            files.iter().try_for_each(|file| file.sync()).map_err(|e| e.to_string())
        });
    let mut state = shared.lock();
    match synced {
        Ok(()) => {
            add(&shared.counters.journal_syncs, 1);
            state.journal.mark_synced(position);
            drop(state);
            release_waiters(shared);
        }
        Err(error) => {
            tracing::error!(%error, "a sync of the journal failed; its file is given up");
            add(&shared.counters.sync_failures, 1);
            state.journal.poison();
            drop(state);
            give_up_poisoned(shared);
        }
    }
}

/// Starts a new file with the frames whose sync failed; tried again until it works.
fn give_up_poisoned(shared: &Shared) {
    let mut state = shared.lock();
    if !state.journal.is_poisoned() {
        return;
    }
    let reserved = shared.numbers.end();
    match state.start_file(reserved, shared.now()) {
        Ok(()) => {
            shared.counters.unwritable.store(false, Ordering::Relaxed);
            drop(state);
            shared.alert(
                "journal_poisoned",
                "a write or sync of the write-ahead log failed; its file was given up and all \
                 frames are in a new one",
            );
            release_waiters(shared);
        }
        Err(error) => {
            state.sync_wanted = false;
            drop(state);
            if !shared.counters.unwritable.swap(true, Ordering::Relaxed) {
                tracing::error!(%error, "no new journal file can be made; it is tried again");
            }
        }
    }
}

fn release_waiters(shared: &Shared) {
    let mut state = shared.lock();
    let synced = state.journal.synced;
    let waiters = std::mem::take(&mut state.waiters);
    let (done, waiting): (Vec<_>, Vec<_>) =
        waiters.into_iter().partition(|waiter| waiter.position <= synced);
    state.sync_wanted |= !waiting.is_empty();
    state.waiters = waiting;
    drop(state);
    for waiter in done {
        // Nobody waits any more when the gate has opened by itself.
        let _gone = waiter.ticket.send(());
    }
}
