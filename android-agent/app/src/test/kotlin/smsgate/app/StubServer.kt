package smsgate.app

import org.json.JSONArray
import org.json.JSONObject
import smsgate.core.GaveUpException
import smsgate.core.Reply
import smsgate.core.Request
import smsgate.core.Transport
import smsgate.core.TransportException
import java.util.concurrent.TimeUnit
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/** A server that pairs anybody, hands out what it is given, and remembers what it was told. */
class StubServer(private val clock: FakeClock) : Transport {
  private val lock = ReentrantLock()
  private val changed = lock.newCondition()
  private val pending = ArrayList<JSONObject>()
  val events = ArrayList<JSONObject>()
  val requests = ArrayList<String>()
  val capacities = ArrayList<Int>()
  var tokens = ArrayList<String?>()
  var isReachable = true
  var isRevoked = false

  fun offer(messageId: Long, text: String = "Hello", sim: Int? = null) = lock.withLock {
    pending += JSONObject()
      .put("message_id", messageId).put("attempt", 1).put("phone", "+48601234567")
      .put("text", text).put("sim", sim ?: JSONObject.NULL).put("priority", 0)
      .put("start_within_seconds", 600)
  }

  /** Blocks until the phone has reported this. Meanwhile its clock goes on. */
  fun awaitEvent(type: String, messageId: Long? = null): JSONObject = lock.withLock {
    repeat(PATIENCE) {
      events.firstOrNull { it.getString("type") == type && isOf(it, messageId) }?.let { return it }
      if (!changed.await(SILENCE_MS, TimeUnit.MILLISECONDS)) clock.advance(6)
    }
    error("the phone never reported $type: $events")
  }

  /** Blocks until the phone has asked for nothing. Meanwhile its clock goes on. */
  fun awaitNoClaim(): Unit = lock.withLock {
    repeat(PATIENCE) {
      if (capacities.lastOrNull() == 0) return
      if (!changed.await(SILENCE_MS, TimeUnit.MILLISECONDS)) clock.advance(6)
    }
    error("the phone always asked for more: $capacities")
  }

  /** Blocks until the phone has called once more, without any time going by for it. */
  fun awaitSync(act: () -> Unit): Unit = lock.withLock {
    val before = capacities.size
    act()
    repeat(PATIENCE) {
      if (capacities.size > before) return
      changed.await(SILENCE_MS, TimeUnit.MILLISECONDS)
    }
    error("the phone did not call")
  }

  val isEmpty get() = lock.withLock { pending.isEmpty() }

  private fun isOf(event: JSONObject, messageId: Long?) =
    messageId == null || event.optLong("message_id") == messageId

  override fun send(request: Request): Reply = lock.withLock {
    requests += "${request.method} ${request.path}"
    tokens += request.token
    changed.signalAll()
    when {
      !isReachable -> throw TransportException("no route to host")
      isRevoked -> Reply(401)
      request.path == "/companion/pair/" -> Reply(201, paired())
      request.path == "/companion/sync/" -> Reply(200, synced(JSONObject(request.body!!)))
      else -> null
    }
  } ?: wait(request)

  private fun paired() = JSONObject()
    .put("device_id", 7).put("token", TOKEN).put("account", "Bakery")
    .put("server_time", clock.wall().toString()).toString()

  private fun synced(asked: JSONObject): String {
    capacities += asked.getInt("capacity")
    val reported = asked.getJSONArray("events")
    val acked = JSONArray()
    for (index in 0 until reported.length()) {
      events += reported.getJSONObject(index)
      acked.put(reported.getJSONObject(index).getString("event_id"))
    }
    val given = JSONArray()
    repeat(minOf(asked.getInt("capacity"), pending.size)) { given.put(pending.removeAt(0)) }
    return JSONObject()
      .put("acked", acked).put("messages", given).put("cancel", JSONArray()).put("paused", false)
      .put("next_sync_seconds", 5).put("pace_seconds", 10).put("segments_per_minute", 24)
      .put("server_time", clock.wall().toString()).toString()
  }

  /** The long poll never has news here: it is broken off, or it is over. */
  private fun wait(request: Request): Reply {
    val until = request.until ?: return Reply(204)
    clock.sleep(1, until.wakeUp)
    throw GaveUpException()
  }

  companion object {
    const val TOKEN = "token-token-token-token-token-token-token"
    private const val PATIENCE = 150
    private const val SILENCE_MS = 200L
  }
}
