package smsgate.core

import java.util.concurrent.TimeUnit
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * Ends a wait early: what the phone's one thread listens to while it has nothing to do. Any thread
 * may [call]; the call is kept until the phone calls [reset], so that none is lost in between.
 */
class WakeUp {
  private val lock = ReentrantLock()
  private val called = lock.newCondition()
  private var isCalled = false

  fun call() = lock.withLock {
    isCalled = true
    called.signalAll()
  }

  /** Forgets the call; the phone does this before it looks for what there is to do. */
  fun reset() = lock.withLock { isCalled = false }

  /** Waits for a call, real milliseconds at most; true if there was one. */
  fun await(ms: Long): Boolean = lock.withLock {
    var left = TimeUnit.MILLISECONDS.toNanos(ms)
    while (!isCalled && left > 0) left = called.awaitNanos(left)
    isCalled
  }
}
