# A textbook's first Kafka program, for kafka-python 1.4.7, against a server on localhost:9092:
#
#     pip install kafka-python==1.4.7
#     python examples/textbook/kafka.py
#
# As printed it runs against no broker of any version. Three of its lines are mended, each marked below; the
# rest stands as printed, and speaks the protocol of 2013 (version 0 of every request).

# A script's own folder comes first in the import path, where `kafka` would be this very file.
import sys
sys.path.pop(0)

from kafka import KafkaClient, SimpleProducer, SimpleConsumer

client = KafkaClient('localhost:9092')

# Mended (1 of 3): was client.create_topic('my_topic'), which no release of kafka-python has.
client.ensure_topic_exists('my_topic')

producer = SimpleProducer(client)
# Mended (2 of 3): was 'Hello, Kafka!'; on Python 3 a message is bytes.
producer.send_messages('my_topic', b'Hello, Kafka!')

# Mended (3 of 3): was (client, 'my_topic', 'my_group'); the group comes before the topic.
consumer = SimpleConsumer(client, 'my_group', 'my_topic')
for message in consumer:
    print(message)
    # The loop as printed waits for further messages for ever; the example ends after its own.
    break
