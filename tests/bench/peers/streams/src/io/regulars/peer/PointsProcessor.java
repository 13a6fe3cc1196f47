package io.regulars.peer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.time.Instant;
import java.util.Arrays;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import regulars.identity.v1.IdentityEvents.MemberResolved;
import regulars.ingest.v1.TouchOuterClass.OrderPaid;
import regulars.ingest.v1.TouchOuterClass.Touch;
import regulars.points.v1.PointsEvents.Cause;
import regulars.points.v1.PointsEvents.LotMove;
import regulars.points.v1.PointsEvents.PointsEarned;
import regulars.points.v1.PointsEvents.Posting;
import regulars.points.v1.PointsState.EntryState;
import regulars.points.v1.PointsState.LotState;
import regulars.points.v1.PointsState.OrderState;
import regulars.points.v1.PointsState.PointsRoot;

/**
 * One paid order: recognised by its id for ever, else a lot, an entry, the order, the member's root and a
 * PointsEarned. The same messages as state and event as regulars-points, the same kinds of keys. Left
 * out, in the peer's favour: refunds, redemptions, the expiry timer, control sums, the view in Redis.
 */
final class PointsProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "points";
  private static final long MINOR_PER_POINT = 100;
  private static final long EXPIRY_DAYS = 365;
  private static final long MICROS_PER_DAY = 86_400_000_000L;
  private static final String PROGRAM = "loyalty";
  private static final byte[] RESOLVED = "io.regulars.identity.v1.MemberResolved".getBytes(UTF_8);
  private static final byte[] EARNED = "io.regulars.points.v1.PointsEarned".getBytes(UTF_8);
  private static final byte[] SOURCE = "/regulars/points".getBytes(UTF_8);
  private static final byte[] SPEC_VERSION = "1.0".getBytes(UTF_8);
  private static final byte[] CONTENT_TYPE = "application/protobuf".getBytes(UTF_8);

  private final String pool;
  private final byte[] poolBytes;
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<byte[], byte[]> store;

  PointsProcessor(String pool) {
    this.pool = pool;
    this.poolBytes = pool.getBytes(UTF_8);
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    this.store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    Headers headers = record.headers();
    if (!holds(headers, "ce_type", RESOLVED) || !holds(headers, "ce_regularspool", poolBytes)) return;
    try {
      MemberResolved event = MemberResolved.parseFrom(record.value());
      if (event.getTouch().getBody().hasOrderPaid()) earn(event, record.timestamp());
    } catch (InvalidProtocolBufferException error) {
      throw new IllegalStateException(error);
    }
  }

  private void earn(MemberResolved event, long timestampMs) throws InvalidProtocolBufferException {
    Touch touch = event.getTouch();
    OrderPaid paid = touch.getBody().getOrderPaid();
    String prefix = pool + "\0" + event.getMember() + "\0";
    String order = touch.getSource() + "/" + paid.getOrderId();
    byte[] orderKey = (prefix + "order/" + order).getBytes(UTF_8);
    if (store.get(orderKey) != null) return; // known: for ever
    byte[] rootKey = prefix.getBytes(UTF_8);
    byte[] known = store.get(rootKey);
    PointsRoot.Builder root =
        known == null
            ? PointsRoot.newBuilder().setNextEntrySequence(1)
            : PointsRoot.newBuilder().mergeFrom(known);
    long points = paid.getAmountMinor() / MINOR_PER_POINT;
    long sequence = root.getNextEntrySequence();
    long expiresAt = touch.getOccurredUs() + EXPIRY_DAYS * MICROS_PER_DAY;
    root.setNextEntrySequence(sequence + 1)
        .setIssued(root.getIssued() + points)
        .setBalance(root.getBalance() + points);
    if (root.getNextExpiryUs() == 0 || expiresAt < root.getNextExpiryUs()) {
      root.setNextExpiryUs(expiresAt).setNextExpiringPoints(points);
    }
    long nowUs = System.currentTimeMillis() * 1000;
    put(rootKey, root.build());
    put(orderKey,
        OrderState.newBuilder()
            .setEntrySequence(sequence)
            .setAmountMinor(paid.getAmountMinor())
            .setCurrencyCode(paid.getCurrencyCode())
            .setRateMinor(MINOR_PER_POINT)
            .build());
    put((prefix + "lot/" + hex16(expiresAt) + "/" + Long.toHexString(sequence)).getBytes(UTF_8),
        LotState.newBuilder().setRemaining(points).build());
    put((prefix + "entry/" + Long.toHexString(sequence)).getBytes(UTF_8),
        EntryState.newBuilder()
            .setKind(1)
            .setPoints(points)
            .setBalanceAfter(root.getBalance())
            .setNaturalId(order)
            .setEffectiveUs(touch.getOccurredUs())
            .setRecordedAfterUs(nowUs - touch.getOccurredUs())
            .setFragmentText(event.getFragmentId())
            .setTouchText(touch.getTouchId())
            .setExpiryDays(EXPIRY_DAYS)
            .build());
    publish(event, order, points, sequence, expiresAt, root.getBalance(), nowUs, timestampMs);
  }

  private void publish(MemberResolved event, String order, long points, long sequence, long expiresAt,
      long balance, long nowUs, long timestampMs) {
    Touch touch = event.getTouch();
    OrderPaid paid = touch.getBody().getOrderPaid();
    String member = event.getMember();
    String naturalId = "order/" + order;
    PointsEarned earned =
        PointsEarned.newBuilder()
            .setPosting(
                Posting.newBuilder()
                    .setMember(member)
                    .setProgram(PROGRAM)
                    .setEntrySequence(sequence)
                    .setPoints(points)
                    .setBalanceAfter(balance)
                    .addLots(
                        LotMove.newBuilder()
                            .setLotId(Long.toString(sequence))
                            .setPoints(points)
                            .setExpiresAtUs(expiresAt))
                    .setNaturalId(naturalId)
                    .setCause(
                        Cause.newBuilder()
                            .setTouchId(touch.getTouchId())
                            .setRule("earn_per_amount@1")
                            .setOrder(order))
                    .setFragmentId(event.getFragmentId())
                    .setEffectiveUs(touch.getOccurredUs())
                    .setRecordedUs(nowUs))
            .setAmountMinor(paid.getAmountMinor())
            .setCurrencyCode(paid.getCurrencyCode())
            .build();
    byte[] key = member.getBytes(UTF_8);
    RecordHeaders headers = new RecordHeaders();
    headers.add("ce_specversion", SPEC_VERSION);
    headers.add("ce_type", EARNED);
    headers.add("ce_id", (member + "/" + PROGRAM + "/" + naturalId).getBytes(UTF_8));
    headers.add("ce_source", SOURCE);
    headers.add("ce_subject", key);
    headers.add("ce_time", Instant.ofEpochMilli(nowUs / 1000).toString().getBytes(UTF_8));
    headers.add("ce_regularspool", poolBytes);
    headers.add("ce_regularsshard", Integer.toString(context.taskId().partition()).getBytes(UTF_8));
    headers.add("content-type", CONTENT_TYPE);
    context.forward(new Record<>(key, earned.toByteArray(), timestampMs, headers));
  }

  private void put(byte[] key, MessageLite value) {
    store.put(key, value.toByteArray());
  }

  private static String hex16(long value) {
    String digits = Long.toHexString(value);
    return "0".repeat(16 - digits.length()) + digits;
  }

  private static boolean holds(Headers headers, String name, byte[] value) {
    Header header = headers.lastHeader(name);
    return header != null && Arrays.equals(header.value(), value);
  }
}
