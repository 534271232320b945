import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes touchpoints to Kafka as any Java program does, idempotent and compressed, and prints where each went. */
public class Producer {
  public static void main(String[] arguments) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", arguments[0]);
    config.put("key.serializer", ByteArraySerializer.class.getName());
    config.put("value.serializer", ByteArraySerializer.class.getName());
    config.put("acks", "all");
    config.put("compression.type", "gzip");
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
      for (int i = 1; i < arguments.length; i++) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>("touchpoints.raw", arguments[i].getBytes(StandardCharsets.UTF_8));
        record.headers().add("workspace", "default".getBytes(StandardCharsets.UTF_8));
        RecordMetadata at = producer.send(record).get();
        System.out.println(at.partition() + "/" + at.offset());
      }
      RecordMetadata at = producer.send(new ProducerRecord<>("touchpoints.raw", new byte[] {0, 1, (byte) 0xfe})).get();
      System.out.println(at.partition() + "/" + at.offset());
    }
  }
}
