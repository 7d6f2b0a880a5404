//! The sandbox's thread: serves until it is told to stop, and saves the index meanwhile.
//!
//! Must never outlast its grace time, also where clients hold connections open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{page, routes};

/// How long a shutdown waits for requests that are under way.
const GRACE: Duration = Duration::from_secs(5);

/// The body of the sandbox's thread. It owns its runtime, so the caller may be asynchronous or not.
pub fn run(
    listener: std::net::TcpListener,
    app: &Arc<App>,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sandbox")
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        tokio::spawn(keep_saving(app.clone()));
        let router = routes::router(app.clone())
            .merge(page::router(app.clone()))
            .into_make_service_with_connect_info::<SocketAddr>();
        let serving =
            axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::select! {
            served = serving => served,
            () = stopped_and_waited(stop) => Ok(()),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    app.store.save().and(served)
}

async fn stopped_and_waited(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

/// Saves the index after changes, with pauses that keep the share of time spent on it below a
/// tenth.
async fn keep_saving(app: Arc<App>) {
    let mut pause = Duration::from_millis(100);
    loop {
        app.store.changed().await;
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        let saving = app.clone();
        let saved = tokio::task::spawn_blocking(move || saving.store.save()).await;
        if !matches!(saved, Ok(Ok(()))) {
            eprintln!(
                "warning: the sandbox could not save its index; its journal has every change"
            );
        }
        pause = (begun.elapsed() * 10).max(Duration::from_millis(100));
    }
}
