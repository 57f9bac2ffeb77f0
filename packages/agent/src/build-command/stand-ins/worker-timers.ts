/** Nothing of it: the MQTT client uses these timers in browsers only, but loads them everywhere. */
export {};
