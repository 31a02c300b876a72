package io.github.kvm4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    @ParameterizedTest
    @CsvSource({"0, 0", "12, 12", "-1.5, -1.5", "8.26e-05, 8.26e-5", "6.5E+2, 650"})
    void numbersAreDoubles(String text, double value) {
        assertEquals(value, Json.parse(text));
        assertEquals(List.of(value, value), Json.parse("[" + text + " ,\n" + text + "]"));
    }

    @Test
    void everyKindOfValueIsRead() {
        assertEquals(Map.of("a", List.of(), "b", Map.of(), "c", Arrays.asList(true, false, null), "d", "NaN"),
                Json.parse(" { \"a\": [ ], \"b\": {}, \"c\": [true, false,null], \"d\": \"NaN\" } "));
    }

    @Test
    void stringsComeBackAsTheyWereQuoted() {
        String text = "-Da=\"b\\c\"";
        assertEquals(text, Json.parse(Json.quote(text)));
        assertEquals("tab\tline\nslash/é", Json.parse("\"tab\\tline\\nslash\\/\\u00e9\""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1 2", "[1", "[1,]", "{\"a\" 1}", "{\"a\": 1", "\"a", "nil", "{a: 1}"})
    void whatIsNotJsonIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.parse(text));
    }
}
