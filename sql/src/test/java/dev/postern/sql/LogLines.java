package dev.postern.sql;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What a class of ours logs from now until this is closed. */
public final class LogLines implements AutoCloseable {

    private final Logger logger;
    private final List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent line) {
            lines.add(line);
        }
    };

    private final @Nullable Level before;

    private LogLines(Logger logger) {
        this.logger = logger;
        before = logger.getLevel();
        logger.setLevel(Level.INFO);
        appender.start();
        logger.addAppender(appender);
    }

    /** Of the class, by its logger. */
    public static LogLines of(Class<?> type) {
        return new LogLines((Logger) LoggerFactory.getLogger(type));
    }

    /** Messages at error that contain the words. */
    public long errors(String words) {
        return count(Level.ERROR, words);
    }

    /** Messages at info that contain the words. */
    public long infos(String words) {
        return count(Level.INFO, words);
    }

    private long count(Level level, String words) {
        return lines.stream()
                .filter(line -> line.getLevel() == level)
                .filter(line -> line.getFormattedMessage().contains(words))
                .count();
    }

    @Override
    public void close() {
        logger.detachAppender(appender);
        logger.setLevel(before);
    }
}
