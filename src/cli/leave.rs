//! Signals that ask a screen to leave: it goes by its own door, so that the terminal is as before.

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Calls `leave` when the first of them comes. Where the system gives none, they end the process as
/// they always did.
pub fn on_signal(leave: impl FnOnce() + Send + 'static) {
    let listen = async {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = kinds.map(signal) else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        leave();
    };
    // It ends with the process: nobody waits for a signal that does not come.
    std::thread::spawn(|| {
        if let Ok(runtime) = Builder::new_current_thread().enable_io().build() {
            runtime.block_on(listen);
        }
    });
}
