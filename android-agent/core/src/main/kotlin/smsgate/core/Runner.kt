package smsgate.core

import java.util.concurrent.ConcurrentLinkedQueue

/**
 * Drives an agent in real (or accelerated) time, on the thread that calls [run]. Other threads
 * reach the journal by [post].
 */
class Runner(
  private val agent: Agent,
  private val clock: Clock,
  private val wakeUp: WakeUp,
  private val hasLongPoll: Boolean = true,
  private val onStep: (Step) -> Unit = {},
) {
  private val tasks = ConcurrentLinkedQueue<(Journal) -> Unit>()

  @Volatile private var isStopping = false

  @Volatile private var isSyncWanted = false

  /**
   * Has this done on the agent's thread, soon. It is tried again, later, while the journal fails
   * ([StoreException]).
   */
  fun post(task: (Journal) -> Unit) {
    tasks += task
    wakeUp.call()
  }

  /** Ends whatever wait there is, back-off and long poll too, with a sync. Any thread. */
  fun syncNow() {
    isSyncWanted = true
    wakeUp.call()
  }

  /** Makes [run] return, soon. */
  fun stop() {
    isStopping = true
    wakeUp.call()
  }

  /**
   * Steps, waits, and again; returns the last step. Ends when the agent has stopped; when it is
   * settled, if so wanted; and after so many milliseconds of the clock.
   */
  fun run(untilSettled: Boolean = false, maxMs: Long? = null): Step {
    val endsAtMs = maxMs?.let { clock.monotonicMs() + it } ?: Long.MAX_VALUE
    while (true) {
      wakeUp.reset()
      doTasks()
      if (isSyncWanted) {
        isSyncWanted = false
        agent.syncNow()
      }
      val step = agent.step()
      onStep(step)
      val isOver = isStopping || clock.monotonicMs() >= endsAtMs
      if (step.kind == StepKind.STOPPED || isOver || (untilSettled && agent.isSettled)) return step
      val wakeAtMs = minOf(step.wakeAtMs ?: continue, endsAtMs)
      val waited = waitUntil(wakeAtMs, step)
      if (waited?.kind == StepKind.STOPPED) return waited
    }
  }

  private fun waitUntil(wakeAtMs: Long, step: Step): Step? {
    if (step.kind == StepKind.IDLE && hasLongPoll && tasks.isEmpty() && agent.mayWait) {
      return agent.awaitWork(Until(wakeUp, wakeAtMs)).also(onStep)
    }
    val pauseMs = wakeAtMs - clock.monotonicMs()
    clock.sleep(if (tasks.isEmpty()) pauseMs else minOf(pauseMs, RETRY_MS), wakeUp)
    return null
  }

  /** Runs the posted tasks; one that the journal refuses is retried in the next round. */
  private fun doTasks() {
    while (true) {
      val task = tasks.peek() ?: return
      if (!agent.write(task)) return
      tasks.remove()
    }
  }
}
