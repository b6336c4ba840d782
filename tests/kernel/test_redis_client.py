"""The one client, which the first requests of a process all ask for at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from semafore.kernel import redis_client
from semafore.kernel.redis_client import forget_redis_client

THREADS = 16


def test_threads_that_ask_at_once_get_one_client() -> None:
    start = Barrier(THREADS)

    def ask(_number: int) -> int:
        start.wait()
        client = redis_client.redis_client()
        client.ping()
        return id(client)

    for _ in range(20):
        forget_redis_client()
        with ThreadPoolExecutor(THREADS) as threads:
            assert len(set(threads.map(ask, range(THREADS)))) == 1
